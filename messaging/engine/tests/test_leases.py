"""A lease that ran out: whatever its drain says later, nothing is sent again and nothing is paid twice."""

import pytest

from billing.ledger.books import problems
from billing.ledger.models import Account
from kit.money import money
from messaging.channels.types.base import NotSent, Refused, Sent, Unknown
from messaging.engine.dispatch import give_up_expired_leases
from messaging.engine.models import Attempt, Claim, QueueEntry
from messaging.engine.receipts import fold_all, store_news
from messaging.engine.states import AttemptOutcome, Status
from messaging.engine.tests.factories import make_world
from messaging.engine.tests.receipts import news_of

pytestmark = pytest.mark.django_db
Kind = Account.Kind


@pytest.fixture
def world():
    world = make_world()
    world.accept()
    return world


@pytest.fixture
def given_up(world):
    """What a drain had claimed before its lease ran out."""
    claimed = world.claim()
    Claim.objects.update(lease_until="2020-01-01T00:00Z")
    give_up_expired_leases()
    return claimed


def test_a_live_lease_is_left_alone(world):
    world.claim()

    assert give_up_expired_leases() == []
    assert world.message().state == Status.QUEUED
    assert QueueEntry.objects.count() == 0


def test_a_lease_given_up_closes_its_attempt_as_unknown(world, given_up):
    attempt = Attempt.objects.get()

    assert (attempt.outcome, attempt.code) == (AttemptOutcome.UNKNOWN, "lease expired")
    assert world.message().state == Status.UNKNOWN
    assert QueueEntry.objects.count() == 0


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (lambda id: Sent(id, "late"), Status.UNKNOWN),
        (lambda id: Unknown(id, "no answer"), Status.UNKNOWN),
        (lambda id: Refused(id, "0x0b"), Status.REFUSED),
    ],
    ids=["sent", "unknown", "refused"],
)
def test_a_late_outcome_never_puts_the_message_back(world, given_up, outcome, state):
    world.record(given_up, [outcome(attempt_id) for attempt_id in given_up])

    assert world.message().state == state
    assert world.claim() == {}
    assert problems() == []


@pytest.mark.parametrize(
    "outcome",
    [lambda id: NotSent(id, "not bound"), lambda id: Refused(id, "0x58", retry=True)],
    ids=["not sent", "refused for now"],
)
def test_a_late_but_definite_no_is_worth_another_try(world, given_up, outcome):
    for _ in range(2):  # written down twice, it is queued once
        world.record(given_up, [outcome(attempt_id) for attempt_id in given_up])

    assert world.message().state == Status.QUEUED
    QueueEntry.objects.update(due_at="2020-01-01T00:00Z")
    (again,) = world.claim().values()
    assert again.number == 2
    assert world.claim() == {}
    assert problems() == []


def test_a_late_answer_keeps_the_reference_its_receipt_will_name(world, given_up):
    world.record(given_up, [Sent(attempt_id, "late") for attempt_id in given_up])

    assert Attempt.objects.get().carrier_reference == "late"
    world.report(("late", "undelivered"))
    assert world.message().state == Status.UNDELIVERED
    assert world.balance(Kind.WALLET) == money("10.00")
    assert problems() == []


def test_an_answer_after_the_receipt_was_adopted_changes_nothing(world, given_up):
    (one,) = given_up.values()
    receipt = {"reference": "late", "state": "delivered", "user_message_reference": one.reference,
               "recipient": one.recipient}  # fmt: skip
    store_news(channel_id=world.channel.pk, **news_of(receipt))
    fold_all()
    assert world.message().state == Status.DELIVERED

    world.record(given_up, [Sent(one.attempt_id, "late")])
    fold_all()

    assert world.message().state == Status.DELIVERED
    assert world.balance(Kind.WALLET) == money("9.96")
    assert problems() == []


def test_the_same_outcome_written_twice_changes_nothing(world):
    claimed = world.claim()
    for _ in range(2):
        world.record(claimed, [Sent(attempt_id, "c1") for attempt_id in claimed])
        world.report(("c1", "delivered"))

    assert Attempt.objects.get().carrier_reference == "c1"
    assert world.balance(Kind.WALLET) == money("9.96")
    assert problems() == []
