"""While Valkey is away the API goes on accepting, as quickly as ever; what was accepted is rung for when it is back."""

import time
from functools import cache

import pytest
import redis

from accounts.tests.factories import make_api_key
from kit import breaker, limits
from kit import valkey as kit_valkey
from kit.breaker import Breaker
from kit.ids import uuid7
from messaging.engine.models import Message
from messaging.engine.states import Status
from messaging.engine.tests.factories import make_world
from tests.chaos.house import wait_until
from tests.never_wrong.own_valkey import own_valkey
from tests.never_wrong.web import p95, send_from_all, web

pytestmark = pytest.mark.django_db(transaction=True)
CLIENTS, REQUESTS = 2, 40
#: What Valkey's being away may add to the slowest requests but 5 %, on a machine that does other things meanwhile.
MOST_SLOWER = 0.3


@pytest.fixture
def valkey():
    with own_valkey() as server:
        yield server


@pytest.fixture
def send():
    """Has all clients send, each so many requests of one message; their answers."""
    world = make_world(funds="100.00", template="Ready")
    secret = make_api_key(world.customer)[1]
    return lambda web, requests=REQUESTS: send_from_all(web.port, secret, clients=CLIENTS, requests=requests)


def test_a_frozen_valkey_slows_nobody_down(valkey, send):
    valkey.start()
    with web(valkey) as running:
        usual = send(running)

        valkey.freeze()
        found = send(running)

    assert {one.status for one in found} == {202}
    assert p95(found) - p95(usual) < MOST_SLOWER
    assert Message.objects.filter(status=Status.QUEUED).count() == 2 * CLIENTS * REQUESTS


def test_sabotage_without_the_breaker_everybody_waits_for_valkey(valkey, send):
    valkey.start()
    with web(valkey, "tests.never_wrong.web_that_waits:application") as running:
        usual = send(running)

        valkey.freeze()
        found = send(running, requests=5)

    assert {one.status for one in found} == {202}
    assert p95(found) - p95(usual) > MOST_SLOWER


def test_the_web_starts_and_accepts_with_valkey_down_and_rings_when_it_is_back(valkey, send):
    with web(valkey) as running:
        assert {one.status for one in send(running, requests=5)} == {202}

        valkey.start()
        wait_until(lambda: send(running, requests=1) and rings(valkey), seconds=60, what="somebody rings")


def test_callers_are_counted_again_by_a_valkey_that_has_forgotten_how(valkey, monkeypatch, settings):
    """Seen to fail when only an answer ended the rest: the script's absence was taken for Valkey's, again and again."""
    settings.CACHE_URL = valkey.server.cache_url
    monkeypatch.setattr(kit_valkey, "client", cache(kit_valkey.client.__wrapped__))
    monkeypatch.setattr(limits, "_script", cache(limits._script.__wrapped__))
    caller = uuid7()
    limits.count(caller)
    assert breaker.CACHE.is_open

    valkey.start()
    wait_until(lambda: not breaker.CACHE.is_open, seconds=10, what="the rest is over")
    limits.count(caller)

    assert kit_valkey.client().exists(f"limit:{caller}")


def rings(valkey):
    address = valkey.server.cache_url.replace("db=1", "db=0")
    with redis.Redis.from_url(address) as client:
        return client.llen("dispatch")


# --- the breaker itself


class Away(Exception):
    pass


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 1000.0

    monkeypatch.setattr(time, "monotonic", lambda: Clock.now)
    return Clock


def ask(breaker, answer):
    """What came of asking: an answer, "away" when nobody asked, "trouble" when nobody answered."""
    asked = []
    try:
        with breaker.around(OSError, away=Away()):
            asked.append(1)
            return answer()
    except Away:
        assert not asked
        return "away"
    except OSError:
        return "trouble"


def nobody():
    raise OSError


def test_after_trouble_nobody_asks_for_two_seconds_and_then_one_finds_out(clock):
    breaker = Breaker("test")

    assert ask(breaker, nobody) == "trouble"
    assert ask(breaker, lambda: "well") == "away"
    clock.now += 2
    assert ask(breaker, nobody) == "trouble"
    assert ask(breaker, lambda: "well") == "away"
    clock.now += 2
    assert ask(breaker, lambda: "well") == "well"
    assert ask(breaker, lambda: "well") == "well"


def test_a_refusal_is_an_answer(clock):
    breaker = Breaker("test")
    ask(breaker, nobody)
    clock.now += 2

    with pytest.raises(LookupError):
        ask(breaker, refusal)

    assert ask(breaker, lambda: "well") == "well"


def refusal():
    raise LookupError


def test_while_one_finds_out_the_others_leave_it_alone(clock):
    breaker = Breaker("test")
    ask(breaker, nobody)
    clock.now += 2

    assert ask(breaker, lambda: ask(breaker, lambda: "well")) == "away"
