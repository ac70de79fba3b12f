"""While Valkey is away the API goes on accepting, as quickly as ever; what was accepted is rung for when it is back."""

import http.client
import json
import time
from contextlib import contextmanager

import pytest
import redis
from django.conf import settings

from accounts.tests.factories import make_api_key
from kit.breaker import Breaker
from messaging.content.models import MessageTemplate
from messaging.engine.models import Message
from messaging.engine.states import Status
from messaging.engine.tests.factories import make_world
from messaging.engine.tests.racing import race
from portal.stack.ports import HOST, any_free
from tests.chaos.house import wait_until
from tests.never_wrong.beside import beside
from tests.never_wrong.own_valkey import own_valkey

pytestmark = pytest.mark.django_db(transaction=True)
CLIENTS, REQUESTS = 2, 40
#: What Valkey's being away may add to the slowest requests but 5 %, on a machine that does other things meanwhile.
MOST_SLOWER = 0.3


@pytest.fixture
def valkey():
    with own_valkey() as server:
        yield server


@pytest.fixture
def secret():
    world = make_world(funds="100.00")
    MessageTemplate.objects.update(name="Ready")
    return make_api_key(world.customer)[1]


def keys():
    return {
        "DJANGO_SETTINGS_MODULE": "portal.settings.dev",
        "SIGNALBOX_SECRET_KEY": settings.SECRET_KEY,
        "SIGNALBOX_FIELD_KEY": ",".join(settings.FIELD_KEYS),
    }


@contextmanager
def web(valkey, application="portal.wsgi:application"):
    """A web of its own on this Valkey; its port."""
    port = any_free()
    arguments = (
        "--interface",
        "wsgi",
        "--host",
        HOST,
        "--port",
        str(port),
        "--workers",
        "1",
        "--blocking-threads",
        "8",
    )
    with beside("-m", "granian", *arguments, application, **valkey.environment, **keys()):
        wait_until(lambda: answers(port), seconds=60, what="the web answers")
        yield port


def answers(port):
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def send_from_all(port, secret, *, requests=REQUESTS):
    """Each client sends one message a request over its own connection; all statuses, and the slowest but 5 %."""
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}

    def client(number):
        connection = http.client.HTTPConnection(HOST, port, timeout=30)
        found = []
        for place in range(requests):
            message = {"to": f"+44791112{number}{place:03d}", "variables": {"name": "Ada"}}
            began = time.monotonic()
            connection.request(
                "POST", "/api/v1/messages", json.dumps({"template": "Ready", "messages": [message]}), headers
            )
            answer = connection.getresponse()
            answer.read()
            found.append((time.monotonic() - began, answer.status))
        connection.close()
        return found

    found = sorted(one for several in race(client, threads=CLIENTS) for one in several)
    return {status for _, status in found}, found[int(len(found) * 0.95)][0]


def test_a_frozen_valkey_slows_nobody_down(valkey, secret):
    valkey.start()
    with web(valkey) as port:
        _, usual = send_from_all(port, secret)

        valkey.freeze()
        statuses, p95 = send_from_all(port, secret)

    assert statuses == {202}
    assert p95 - usual < MOST_SLOWER
    assert Message.objects.filter(status=Status.QUEUED).count() == 2 * CLIENTS * REQUESTS


def test_sabotage_without_the_breaker_everybody_waits_for_valkey(valkey, secret):
    valkey.start()
    with web(valkey, "tests.never_wrong.web_that_waits:application") as port:
        _, usual = send_from_all(port, secret)

        valkey.freeze()
        statuses, p95 = send_from_all(port, secret, requests=5)

    assert statuses == {202}
    assert p95 - usual > MOST_SLOWER


def test_the_web_starts_and_accepts_with_valkey_down_and_rings_when_it_is_back(valkey, secret):
    with web(valkey) as port:
        assert send_from_all(port, secret, requests=5)[0] == {202}

        valkey.start()
        wait_until(lambda: send_from_all(port, secret, requests=1) and rings(valkey), seconds=60, what="somebody rings")


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


def test_while_one_finds_out_the_others_leave_it_alone(clock):
    breaker = Breaker("test")
    ask(breaker, nobody)
    clock.now += 2

    assert ask(breaker, lambda: ask(breaker, lambda: "well")) == "away"
