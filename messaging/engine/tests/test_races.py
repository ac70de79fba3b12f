"""Two at once, at every station.  Each guard has a sabotage twin: the same race without it, seen to go wrong."""

import json
from collections import Counter
from datetime import timedelta
from threading import Barrier

import pytest
from django.test import Client

from accounts.tests.factories import make_api_key
from billing.ledger.books import problems
from billing.ledger.errors import InsufficientBalance
from billing.ledger.models import Account, Transfer
from kit import tenancy
from kit.money import money
from kit.tests.racing import race, without
from messaging.channels.types.base import Sent
from messaging.engine.accept import acceptance
from messaging.engine.api import sending
from messaging.engine.dispatch import claim as claiming
from messaging.engine.dispatch import give_up_expired_leases, leases
from messaging.engine.models import Attempt, Claim, IdempotencyRecord, Message, QueueEntry, Settlement
from messaging.engine.receipts import fold, store_news
from messaging.engine.settle import Change, expire_overdue, settle, settling
from messaging.engine.states import Status
from messaging.engine.tests.factories import make_world
from messaging.engine.tests.receipts import news_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nobody_answers")]
Kind = Account.Kind
MESSAGES = 120
PRICE = money("0.04")


@pytest.fixture
def world():
    return make_world(template="Ready")


# --- station 2: drains


def test_drains_at_once_claim_each_message_once(world):
    """Many drains; everything they got to send."""
    world.accept(MESSAGES)

    batches = race(lambda number: list(world.claim(limit=MESSAGES).values()), threads=6)

    claimed = Counter(one.message_id for batch in batches for one in batch)
    assert len(claimed) == claimed.total() == MESSAGES
    assert Counter(id for claim in Claim.objects.all() for id in claim.message_ids) == claimed


def claims_of_one_message(world, monkeypatch):
    """How often it is claimed by two drains that have both picked before either takes."""
    both_picked, pick = Barrier(2, timeout=10), claiming._pick

    def pick_and_wait(*wanted):
        picked = pick(*wanted)
        both_picked.wait()
        return picked

    monkeypatch.setattr(claiming, "_pick", pick_and_wait)
    world.accept()
    return sum(race(lambda number: len(world.claim()), threads=2))


def test_a_message_picked_by_one_drain_is_passed_over_by_the_other(world, monkeypatch):
    assert claims_of_one_message(world, monkeypatch) == 1


def test_sabotage_without_locking_what_is_picked_a_message_is_sent_twice(world, monkeypatch):
    monkeypatch.setattr(claiming, "_PICK", without(claiming._PICK, "FOR UPDATE SKIP LOCKED"))

    assert claims_of_one_message(world, monkeypatch) == 2


# --- station 2: a drain that froze


def frozen(world):
    """What a drain had claimed when it froze for longer than its lease."""
    claimed = world.claim(limit=MESSAGES)
    Claim.objects.update(lease_until="2020-01-01T00:00Z")
    return claimed


def test_a_zombie_that_wakes_up_as_it_is_given_up_sends_nothing_twice_and_keeps_its_reference(world):
    world.accept(MESSAGES)
    claimed = frozen(world)
    parts = [give_up_expired_leases, lambda: world.record(claimed, [Sent(id, f"late-{id}") for id in claimed])]

    race(lambda number: parts[number](), threads=2)

    assert world.claim() == {}
    assert Attempt.objects.exclude(carrier_reference="").count() == MESSAGES
    assert set(Message.objects.values_list("status", flat=True)) <= {Status.SUBMITTED, Status.UNKNOWN}
    world.report(*((f"late-{id}", "delivered") for id in claimed))
    assert set(Message.objects.values_list("status", flat=True)) == {Status.DELIVERED}
    assert problems() == []


def test_sabotage_a_sweeper_that_put_expired_leases_back_would_send_again(world, monkeypatch):
    monkeypatch.setattr(leases, "_END", leases._END.replace("%(left)s::uuid[] IS NULL OR", "false AND"))
    world.accept()
    claimed = frozen(world)

    give_up_expired_leases()
    again = world.claim()  # before the zombie wakes up and says what it sent
    world.record(claimed, [Sent(id, "late") for id in claimed])

    assert again.keys() == claimed.keys()


# --- stations 3 and 4: receipts and money


def settle_at_once(world, *, threads=6):
    """All threads settle the same message among several; how many times the money moved."""
    accepted = world.accept(threads)
    world.send()
    change = Change(accepted.messages[0].id, Status.DELIVERED)

    def attempt(number):
        with tenancy.as_engine():
            return settle([change])

    return sum(race(attempt, threads=threads))


def test_a_message_settled_by_many_at_once_moves_its_money_once(world):
    assert settle_at_once(world) == 1

    assert Settlement.objects.count() == 1
    assert Transfer.objects.filter(reason="margin").count() == 1
    assert problems() == []


def test_sabotage_without_its_guard_the_money_moves_again_and_again(world, monkeypatch):
    monkeypatch.setattr(settling, "_SETTLE", without(settling._SETTLE, "AND CASE WHEN m.status < 90 THEN true END"))

    assert settle_at_once(world) > 1

    assert problems() != []


def test_folds_and_expiry_at_once_end_each_message_once(world):
    world.accept(MESSAGES)
    references = list(world.send())
    Message.objects.update(validity_until="2020-01-01T00:00Z")
    words = [(reference, word) for reference in references for word in ("accepted", "delivered", "undelivered")]
    store_news(channel_id=world.channel.pk, **news_of(*words))

    race(lambda number: expire_overdue(validity=timedelta()) if number == 0 else fold(limit=50), threads=6)
    while fold(limit=100):
        pass

    assert not Message.objects.filter(status__lt=90).exists()
    assert sum(Settlement.objects.values_list("messages", flat=True)) == MESSAGES
    assert world.balance(Kind.HOLD) == 0
    assert problems() == []


# --- station 1: the last credit


def accept_at_once(world, *, threads=16):
    """One message each from all threads; how many were accepted."""

    def attempt(number):
        try:
            return len(world.accept().messages)
        except InsufficientBalance:
            return 0

    return sum(race(attempt, threads=threads))


def test_the_last_credit_is_spent_exactly_once():
    world = make_world(funds="0.30")  # seven times the price, and a bit

    assert accept_at_once(world) == 7

    assert Message.objects.count() == QueueEntry.objects.count() == 7
    assert world.balance(Kind.WALLET) == money("0.02")
    assert problems() == []


def test_sabotage_a_balance_looked_at_before_it_is_moved_sells_credit_that_is_not_there(monkeypatch):
    world = make_world(funds="0.30")
    world.accept()  # opens the pot money is held in

    def look_then_write(*, organisation, amount, **_):
        wallet = Account.objects.get(organisation=organisation, kind=Kind.WALLET)
        if wallet.balance < amount:
            raise InsufficientBalance(needed=amount, available=wallet.balance, currency=wallet.currency)
        Account.objects.filter(pk=wallet.pk).update(balance=wallet.balance - amount)

    monkeypatch.setattr(acceptance, "hold", look_then_write)

    assert accept_at_once(world) > 6


# --- station 1: one key


@pytest.fixture
def secret(world):
    return make_api_key(world.customer)[1]


def post_at_once(secret, *, threads=16):
    """The same request with the same key from all threads; their answers' statuses and message ids, each pair once."""
    messages = [{"to": f"+4479111234{number}", "variables": {"name": "Ada"}} for number in (55, 56)]
    body = json.dumps({"template": "Ready", "messages": messages})
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "order-1"}

    def attempt(number):
        answer = Client().post("/api/v1/messages", body, content_type="application/json", headers=headers)
        return answer.status_code, *(message["id"] for message in answer.json()["messages"])

    Client().get(
        "/api/v1/messages", headers=headers
    )  # notes when the key was used, so that its row is free in the race
    return set(race(attempt, threads=threads))


def test_one_key_from_many_at_once_gives_one_set_of_messages(world, secret):
    [(status, *_)] = post_at_once(secret)

    assert status == 202
    assert Message.objects.count() == 2
    assert IdempotencyRecord.objects.count() == 1
    assert world.balance(Kind.HOLD) == 2 * PRICE
    assert problems() == []


def test_sabotage_a_key_looked_up_before_it_is_written_down_sends_more_than_once(world, secret, monkeypatch):
    def look_then_write(*, organisation, key, request, is_test, act):
        if found := IdempotencyRecord.objects.filter(organisation=organisation, key__startswith=key).first():
            return found.status, found.response
        status, body = act()
        own = f"{key}:{body['messages'][0]['id']}"
        IdempotencyRecord.objects.create(
            organisation=organisation, key=own, request_fingerprint="", response=body, status=status
        )
        return status, body

    monkeypatch.setattr(sending, "answer_once", look_then_write)

    assert len(post_at_once(secret)) > 1
    assert Message.objects.count() > 2
