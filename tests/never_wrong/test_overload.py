"""Ten times what a key may ask for: 429 with Retry-After, no loss, and a web that does not grow."""

from pathlib import Path

import pytest

from accounts.tests.factories import make_api_key
from billing.ledger.books import problems
from messaging.content.models import MessageTemplate
from messaging.engine.models import Message, QueueEntry
from messaging.engine.tests.factories import make_world
from tests.chaos.faults import children
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
    world = make_world(funds="100.00")
    MessageTemplate.objects.update(name="Ready")
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


def test_sabotage_without_a_limit_nobody_is_turned_away(secret):
    found, _ = overrun(secret, SIGNALBOX_API_REQUESTS_PER_SECOND="100000")

    assert {one.status for one in found} == {202}
    assert Message.objects.count() == CLIENTS * (REQUESTS + 10)
