"""Ten times what a key may ask for: 429 with Retry-After, no loss, and a web that does not grow."""

import threading
from pathlib import Path

import pytest

from accounts.tests.factories import make_api_key
from billing.ledger.books import problems
from messaging.engine.models import Message, QueueEntry
from messaging.engine.tests.factories import make_world
from tests.chaos.callers import Callers
from tests.chaos.faults import children
from tests.chaos.growth import Looks
from tests.never_wrong.own_valkey import own_valkey
from tests.never_wrong.web import send_from_all, web

pytestmark = pytest.mark.django_db(transaction=True)
A_SECOND, CLIENTS, REQUESTS = 5, 8, 40
MOST_GROWTH = 1.15


def memory_of(process):
    """Resident bytes of a process and everything below it."""
    pids, waiting = [], [process.pid]
    while waiting:
        pids.append(waiting.pop())
        waiting += children(pids[-1])
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)


@pytest.fixture
def secret():
    world = make_world(funds="100.00", template="Ready")
    return make_api_key(world.customer)[1]


def overrun(secret, **environment):
    """Every answer, and how much the web has grown meanwhile."""
    with own_valkey() as valkey:
        valkey.start()
        with web(valkey, **environment) as running:
            send_from_all(running.port, secret, clients=CLIENTS, requests=10)
            before = memory_of(running.process.process)
            found = send_from_all(running.port, secret, clients=CLIENTS, requests=REQUESTS)
            return found, memory_of(running.process.process) / before


def test_too_much_is_turned_away_and_what_was_accepted_is_kept(secret):
    found, growth = overrun(secret, SIGNALBOX_API_REQUESTS_PER_SECOND=str(A_SECOND))

    turned_away = [one for one in found if one.status == 429]
    accepted = [one for one in found if one.status == 202]
    assert len(turned_away) + len(accepted) == len(found) == CLIENTS * REQUESTS
    assert len(turned_away) > len(found) / 2
    assert all(int(one.retry_after) >= 1 for one in turned_away)
    assert Message.objects.count() == QueueEntry.objects.count() >= len(accepted)
    assert growth < MOST_GROWTH
    assert problems() == []


def test_after_ten_times_too_much_half_of_it_passes_and_every_promise_is_kept(secret):
    customer = {"key": secret, "notice": "Ready", "sender": None}
    with own_valkey() as valkey:
        valkey.start()
        with web(valkey, SIGNALBOX_API_REQUESTS_PER_SECOND="1") as running:
            callers = Callers(running.port, [customer], messages=2)
            callers.offer(per_second=20, seconds=3)
            turned_away = callers.answers.turned_away
            with Looks(lambda: {"web": running.process.process.pid}, lambda: None, every=0.2) as looks:
                threading.Event().wait(2)  # until a burst is saved up again
                callers.offer(per_second=0.5, seconds=4)

    promised = callers.answers.promises.messages
    assert callers.answers.problems == []
    assert turned_away > 0
    assert callers.answers.turned_away == turned_away
    assert {str(id) for id in Message.objects.values_list("id", flat=True)} == set(promised.values())
    assert looks.growth["web"] < MOST_GROWTH - 1
    assert problems() == []


def test_sabotage_without_a_limit_nobody_is_turned_away(secret):
    found, _ = overrun(secret, SIGNALBOX_API_REQUESTS_PER_SECOND="100000")

    assert {one.status for one in found} == {202}
    assert Message.objects.count() == CLIENTS * (REQUESTS + 10)
