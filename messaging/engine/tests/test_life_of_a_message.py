"""From the door to the final state, and the coin with it."""

from collections import Counter
from datetime import timedelta

import pytest

from billing.ledger.books import problems
from billing.ledger.models import Account, Transfer
from kit.money import money
from messaging.channels.types.base import NotSent, Refused, Sent, Unknown
from messaging.engine.dispatch import give_up_expired_leases
from messaging.engine.models import Attempt, CarrierReference, Claim, Message, QueueEntry, Settlement, TrafficCount
from messaging.engine.receipts import adopt_orphans, fold_all, store_news
from messaging.engine.settle import Change, expire_overdue, settle
from messaging.engine.states import Status
from messaging.engine.tests.factories import make_world
from messaging.engine.tests.receipts import news_of

Kind = Account.Kind
pytestmark = pytest.mark.django_db


def test_accepting_holds_the_price_and_queues_the_message():
    world = make_world()

    accepted = world.accept(3)

    assert (accepted.segments, accepted.price) == (3, money("0.12"))
    assert world.balance(Kind.WALLET) == money("9.88")
    assert world.balance(Kind.HOLD) == money("0.12")
    assert QueueEntry.objects.count() == Message.objects.filter(status=Status.QUEUED).count() == 3
    assert problems() == []


def test_delivered_messages_pay_the_agent_its_margin_and_the_platform_the_rest():
    world = make_world()
    world.accept(2)

    world.report(*((reference, "delivered") for reference in world.send()))

    assert set(Message.objects.values_list("status", flat=True)) == {Status.DELIVERED}
    assert world.balance(Kind.HOLD) == 0
    assert world.balance(Kind.WALLET) == money("9.92")
    assert world.balance(Kind.MARGIN, world.agent) == money("0.02")
    assert world.balance(Kind.REVENUE, world.operator) == money("0.06")
    assert problems() == []


def test_undelivered_messages_give_their_price_back():
    world = make_world()
    world.accept(2)
    first, second = world.send()

    world.report((first, "delivered"), (second, "undelivered"))

    assert world.balance(Kind.WALLET) == money("9.96")
    assert world.balance(Kind.HOLD) == 0
    failed = Message.objects.get(status=Status.UNDELIVERED)
    assert failed.error_code == "027"
    assert Settlement.objects.count() == 2
    assert problems() == []


def test_copies_of_a_receipt_settle_once():
    world = make_world()
    world.accept()
    (reference,) = world.send()

    for _ in range(3):
        world.report((reference, "delivered"), (reference, "delivered"))

    assert Settlement.objects.count() == 1
    assert world.balance(Kind.WALLET) == money("9.96")


def test_a_receipt_before_its_answer_waits_in_the_inbox():
    world = make_world()
    world.accept()
    claimed = world.claim()
    (attempt_id,) = claimed

    world.report(("early", "delivered"))
    assert world.message().state == Status.QUEUED

    world.record(claimed, [Sent(attempt_id, "early")])
    fold_all()
    assert world.message().state == Status.DELIVERED
    assert problems() == []


def test_a_final_state_is_never_left():
    world = make_world()
    world.accept()
    (reference,) = world.send()
    world.report((reference, "undelivered"))

    world.report((reference, "delivered"))

    assert world.message().state == Status.UNDELIVERED
    assert world.balance(Kind.WALLET) == money("10.00")
    assert problems() == []


@pytest.mark.parametrize("order", [("undelivered", "delivered"), ("delivered", "undelivered")])
def test_contradicting_receipts_in_one_batch_give_one_result_in_any_order(order):
    world = make_world()
    world.accept()
    (reference,) = world.send()

    world.report(*((reference, state) for state in order))

    assert world.message().state == Status.DELIVERED


def test_a_definite_no_worth_another_try_goes_back_to_the_queue():
    world = make_world()
    world.accept(2)
    claimed = world.claim()
    throttled, unsent = claimed

    world.record(claimed, [Refused(throttled, "0x00000058", retry=True), NotSent(unsent, "not bound")])

    assert set(Message.objects.values_list("status", flat=True)) == {Status.QUEUED}
    assert QueueEntry.objects.count() == 2
    assert world.claim() == {}, "both wait for their pause"
    QueueEntry.objects.update(due_at="2020-01-01T00:00Z")
    assert [one.number for one in world.claim().values()] == [2, 2]
    assert list(Attempt.objects.values_list("number", flat=True)) == [1, 1]


def test_a_final_no_ends_the_message_and_returns_its_price():
    world = make_world()
    world.accept()
    claimed = world.claim()

    world.record(claimed, [Refused(attempt_id, "0x0000000b") for attempt_id in claimed])

    assert world.message().state == Status.REFUSED
    assert world.message().error_code == "0x0000000b"
    assert world.balance(Kind.WALLET) == money("10.00")
    assert QueueEntry.objects.count() == 0
    assert problems() == []


def test_an_unknown_outcome_is_never_sent_again_and_its_receipt_ends_it():
    world = make_world()
    world.accept()
    claimed = world.claim()
    (one,) = claimed.values()
    world.record(claimed, [Unknown(one.attempt_id, "no answer")])
    assert world.message().state == Status.UNKNOWN
    assert QueueEntry.objects.count() == 0

    receipt = {"reference": "lost", "state": "delivered", "user_message_reference": one.reference,
               "recipient": one.recipient}  # fmt: skip
    store_news(channel_id=world.channel.pk, **news_of(receipt))
    fold_all()

    assert world.message().state == Status.DELIVERED
    assert problems() == []


def test_receipts_without_a_carriers_name_are_told_apart_by_ours():
    world = make_world()
    world.accept_drafts([world.draft(), world.draft(recipient="+447700900124")])
    claimed = world.claim()
    world.record(claimed, [Unknown(attempt_id, "accepted without a reference") for attempt_id in claimed])

    for state in ("accepted", "delivered"):
        for one in claimed.values():
            receipt = {"reference": "", "state": state, "user_message_reference": one.reference,
                       "recipient": one.recipient}  # fmt: skip
            store_news(channel_id=world.channel.pk, **news_of(receipt))
            fold_all()

    assert set(Message.objects.values_list("status", flat=True)) == {Status.DELIVERED}
    assert problems() == []


@pytest.mark.parametrize("reference", ["same", "r" * 70])
def test_a_carriers_odd_reference_harms_no_other_message_of_the_batch(reference):
    world = make_world()
    world.accept(3)
    claimed = world.claim()
    first, second, third = claimed

    world.record(claimed, [Sent(first, reference), Sent(second, reference), Sent(third, "own")])

    assert set(Message.objects.values_list("status", flat=True)) == {Status.SUBMITTED}
    assert {"own", reference[:65]} == set(Attempt.objects.values_list("carrier_reference", flat=True))


def test_a_receipt_with_two_candidates_is_nobodys():
    world = make_world()
    world.accept_drafts([world.draft(), world.draft()])
    claimed = world.claim()
    world.record(claimed, [Unknown(attempt_id, "no answer") for attempt_id in claimed])
    Attempt.objects.update(reference=7)

    receipt = {"reference": "lost", "state": "delivered", "user_message_reference": 7, "recipient": "+447700900123"}
    store_news(channel_id=world.channel.pk, **news_of(receipt))

    assert adopt_orphans() == 0
    assert CarrierReference.objects.count() == 0


def test_an_expired_lease_leaves_the_message_unknown():
    world = make_world()
    world.accept()
    world.claim()
    Claim.objects.update(lease_until="2020-01-01T00:00Z")

    assert len(give_up_expired_leases()) == 1

    assert world.message().state == Status.UNKNOWN
    assert world.claim() == {}


def test_an_answer_after_the_lease_expired_still_lets_the_receipt_find_its_message():
    world = make_world()
    world.accept()
    claimed = world.claim()
    (attempt_id,) = claimed
    Claim.objects.update(lease_until="2020-01-01T00:00Z")
    give_up_expired_leases()

    world.record(claimed, [Sent(attempt_id, "late")])
    assert world.message().state == Status.UNKNOWN
    world.report(("late", "delivered"))

    assert world.message().state == Status.DELIVERED
    assert problems() == []


def test_what_waits_past_its_validity_expires_and_is_given_back():
    world = make_world()
    world.accept()
    world.send()
    Message.objects.update(validity_until="2020-01-01T00:00Z")

    assert expire_overdue(validity=timedelta()) == 1

    assert world.message().state == Status.EXPIRED
    assert world.balance(Kind.WALLET) == money("10.00")
    assert QueueEntry.objects.count() == 0
    assert problems() == []


def test_a_message_past_its_validity_does_not_leave():
    world = make_world()
    world.accept()
    Message.objects.update(validity_until="2020-01-01T00:00Z")

    assert world.claim() == {}

    assert (world.message().state, world.message().error_code) == (Status.EXPIRED, "not_sent_in_time")
    assert not Attempt.objects.exists(), "nothing was handed to anybody"
    assert world.balance(Kind.WALLET) == money("10.00")
    assert problems() == []


def test_settling_twice_moves_the_money_once():
    world = make_world()
    accepted = world.accept()
    world.send()
    change = Change(accepted.messages[0].id, Status.DELIVERED)

    assert [settle([change]), settle([change])] == [1, 0]
    assert Transfer.objects.filter(reason="margin").count() == 1


def test_the_traffic_deltas_count_every_change():
    world = make_world()
    world.accept(3)
    first, second, third = world.send()
    world.report((first, "delivered"), (second, "delivered"), (third, "undelivered"))

    totals = Counter()
    for status, messages in TrafficCount.objects.values_list("status", "messages"):
        totals[Status(status)] += messages
    assert totals == {Status.QUEUED: 3, Status.SUBMITTED: 3, Status.DELIVERED: 2, Status.UNDELIVERED: 1}
