"""Receipts are folded as they are stored, and never lost when that fails."""

import pytest

from billing.ledger.books import problems
from kit.errors import DomainError
from messaging.channels.types.base import Sent, Unknown
from messaging.engine.models import DeliveryReceipt, Message
from messaging.engine.receipts import fold_all, inbox, store_news
from messaging.engine.states import Status
from messaging.engine.tests.factories import make_world
from messaging.engine.tests.receipts import news_of


@pytest.fixture
def world():
    world = make_world()
    world.accept()
    return world


@pytest.mark.django_db
def test_a_receipt_of_a_known_message_is_folded_as_it_is_stored(world):
    (reference,) = world.send()

    store_news(channel_id=world.channel.pk, **news_of((reference, "delivered")))

    assert world.message().state == Status.DELIVERED
    assert DeliveryReceipt.objects.get().folded_at is not None
    assert problems() == []


@pytest.mark.django_db(transaction=True)
def test_receipts_are_kept_when_they_can_not_be_folded(nobody_answers, world, monkeypatch):
    (reference,) = world.send()

    def refuse(receipts):
        raise DomainError

    monkeypatch.setattr(inbox, "apply", refuse)
    store_news(channel_id=world.channel.pk, **news_of((reference, "delivered")))
    assert world.message().state == Status.SUBMITTED
    assert DeliveryReceipt.objects.get().folded_at is None

    fold_all()

    assert world.message().state == Status.DELIVERED
    assert problems() == []


@pytest.mark.django_db
def test_a_name_used_twice_means_the_newer_message(world):
    for state in ("undelivered", "delivered"):
        claimed = world.claim()
        world.record(claimed, [Sent(id, "again") for id in claimed])
        store_news(channel_id=world.channel.pk, **news_of(("again", state)))
        world.accept()

    older, newer, _waiting = Message.objects.order_by("id")
    assert (older.state, newer.state) == (Status.UNDELIVERED, Status.DELIVERED)
    assert problems() == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("states", "end"),
    [
        (("delivered", "delivered"), Status.DELIVERED),
        (("delivered", "undelivered"), Status.UNDELIVERED),
        (("undelivered", "delivered"), Status.UNDELIVERED),
    ],
)
def test_a_long_message_half_of_whose_answers_were_lost_ends_with_its_last_part(world, states, end):
    ((id, one),) = world.claim().items()
    world.record({id: one}, [Unknown(id, "no answer", parts=2, references=("first",))])

    for reference, state in zip(("first", "second"), states, strict=True):
        assert world.message().state == Status.UNKNOWN
        receipt = {"reference": reference, "state": state, "user_message_reference": one.reference,
                   "recipient": one.recipient}  # fmt: skip
        store_news(channel_id=world.channel.pk, **news_of(receipt))
        fold_all()

    assert world.message().state == end
    assert problems() == []
