"""How much one key may do in a second, and that the limit is never in the way of anything else."""

import threading

import pytest
import redis
from django.test import Client

from accounts.tests.factories import make_api_key, make_customer
from kit import limits
from kit.errors import TooManyRequests
from kit.ids import uuid7
from messaging.engine.models import Message
from messaging.engine.tests.factories import make_world

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def slow(settings):
    """One request in ten seconds' worth of nothing: what is spent does not come back within a test."""
    settings.API_REQUESTS_PER_SECOND, settings.API_MESSAGES_PER_SECOND = 5, 10


def keyed(organisation) -> Client:
    _, secret = make_api_key(organisation)
    return Client(headers={"authorization": f"Bearer {secret}"})


def test_beyond_the_limit_the_answer_says_when_to_come_again():
    api = keyed(make_customer())

    answers = [api.get("/api/v1/balance") for _ in range(40)]

    refused = [answer for answer in answers if answer.status_code == 429]
    assert [answer.status_code for answer in answers[:10]] == [200] * 10
    assert refused
    assert refused[0].json()["error"]["code"] == "rate_limited"
    assert int(refused[0].headers["Retry-After"]) >= 1


def test_one_keys_haste_is_not_anothers():
    customer = make_customer()
    hasty, calm = keyed(customer), keyed(customer)
    for _ in range(40):
        hasty.get("/api/v1/balance")

    assert calm.get("/api/v1/balance").status_code == 200


def test_messages_count_one_by_one_and_a_refused_request_stores_none():
    world = make_world(template="Ready")
    api = keyed(world.customer)

    def send(count):
        many = [{"to": f"+4479111{number:05d}", "variables": {"name": "Ada"}} for number in range(count)]
        return api.post("/api/v1/messages", {"template": "Ready", "messages": many}, content_type="application/json")

    first, second = send(15), send(15)

    assert (first.status_code, second.status_code) == (202, 429)
    assert Message.objects.count() == 15


def test_a_request_larger_than_all_that_can_be_saved_up_still_passes_once(settings):
    limits.count(uuid7(), messages=1_000)


def test_requests_that_cannot_be_read_count_too():
    api = keyed(make_customer())

    statuses = [api.post("/api/v1/messages", "{", content_type="application/json").status_code for _ in range(40)]

    assert statuses[0] == 422
    assert 429 in statuses


def test_what_is_not_used_is_saved_up_but_not_beyond_two_seconds(monkeypatch):
    caller = uuid7()
    passed = 0
    with pytest.raises(TooManyRequests):
        for _ in range(100):
            limits.count(caller)
            passed += 1

    assert 10 <= passed <= 14


def test_many_at_once_are_counted_exactly(settings):
    settings.API_REQUESTS_PER_SECOND = 1
    settings.API_MESSAGES_PER_SECOND = 20
    caller, passed, barrier = uuid7(), [], threading.Barrier(8)

    def hurry():
        barrier.wait()
        for _ in range(10):
            try:
                limits._take(f"limit:{caller}", 20, 40, 1, 1_000, 2_000, 0) or passed.append(1)
            except TooManyRequests:
                return

    threads = [threading.Thread(target=hurry) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 40 <= len(passed) <= 50


def test_without_the_store_requests_pass_and_nobody_waits_for_it(monkeypatch):
    asked = []

    def away(*args, **kwargs):
        asked.append(1)
        raise redis.ConnectionError("away")

    monkeypatch.setattr(redis.Redis, "execute_command", away)

    for _ in range(100):
        limits.count(uuid7())

    assert len(asked) == 1


def test_it_costs_one_round_trip(monkeypatch):
    sent = []
    execute = redis.Redis.execute_command
    limits.count(uuid7())
    monkeypatch.setattr(
        redis.Redis, "execute_command", lambda self, *args, **kw: sent.append(args) or execute(self, *args, **kw)
    )

    limits.count(uuid7(), messages=10)

    assert [command[0] for command in sent] == ["EVALSHA"]
