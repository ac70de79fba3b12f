"""Two hundred requests at once under a handful of keys: one set of messages a key, whoever asks."""

import json
import random
from collections import defaultdict

import pytest
from django.test import Client

from accounts.tests.factories import make_api_key
from billing.ledger.books import problems
from billing.ledger.models import Account
from kit.money import money
from kit.tests.racing import race
from messaging.engine.models import IdempotencyRecord, Message
from messaging.engine.tests.factories import make_world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nobody_answers")]
THREADS = 25
KEYS = ["order-1", "k" * 255, "a b", "0", "{}", "order-2", "%s", '"quoted"']


def body_of(place):
    return json.dumps(
        {"template": "Ready", "messages": [{"to": f"+4479111234{place:02d}", "variables": {"name": "Ada"}}]}
    )


def test_two_hundred_at_once_under_eight_keys_make_eight_messages():
    world = make_world(template="Ready")
    secret = make_api_key(world.customer)[1]
    Client().get("/api/v1/messages", headers={"Authorization": f"Bearer {secret}"})  # notes the key's use

    def attempt(number):
        answers = []
        for place in random.Random(number).sample(range(len(KEYS)), len(KEYS)):
            headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": KEYS[place]}
            answer = Client().post("/api/v1/messages", body_of(place), content_type="application/json", headers=headers)
            answers.append((place, answer.status_code, answer.json()))
        return answers

    said = defaultdict(set)
    for answers in race(attempt, threads=THREADS):
        for place, status, body in answers:
            said[place].add((status, *(message["id"] for message in body.get("messages", [{"id": str(body)}]))))

    assert [len(answers) for answers in said.values()] == [1] * len(KEYS), said
    assert {status for answers in said.values() for status, *_ in answers} == {202}
    assert Message.objects.count() == IdempotencyRecord.objects.count() == len(KEYS)
    assert world.balance(Account.Kind.HOLD) == len(KEYS) * money("0.04")
    assert problems() == []
