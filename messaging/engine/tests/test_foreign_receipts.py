"""A carrier speaks for its own messages only: whatever its receipts say, nobody else's change."""

import pytest

from billing.ledger.models import Account
from kit import tenancy
from messaging.channels.actions import create_channel
from messaging.engine.models import DeliveryReceipt, Message
from messaging.engine.receipts import fold_all, store_news
from messaging.engine.states import Status
from messaging.engine.tests.receipts import news_of

pytestmark = pytest.mark.django_db


def statuses():
    with tenancy.as_engine():
        return [Status(status) for status in Message.objects.order_by("id").values_list("status", flat=True)]


def hear(channel, *receipts):
    store_news(channel_id=channel.pk, **news_of(*receipts))
    fold_all()


def test_another_carriers_receipt_for_the_same_name_changes_nothing(world):
    with world.operator.scope():
        stranger = create_channel(organisation=world.operator, name="Stranger", type="simulator", config={})
    world.accept(1)
    [name] = world.send()
    held = world.balance(Account.Kind.WALLET)

    hear(stranger, (name, "delivered"), (name, "undelivered"))
    assert statuses() == [Status.SUBMITTED]
    assert world.balance(Account.Kind.WALLET) == held

    hear(world.channel, (name, "delivered"))
    assert statuses() == [Status.DELIVERED]


@pytest.mark.parametrize(
    ("_case", "receipt"),
    [
        ("a name nobody gave", {"reference": "no-such-name", "state": "undelivered"}),
        ("no name", {"reference": "", "state": "undelivered"}),
        (
            "no name, our reference of nobody",
            {"reference": "", "state": "undelivered", "user_message_reference": 65_535},
        ),
        ("the number alone", {"reference": "", "state": "undelivered", "recipient": "+447700900000"}),
        ("a name of two hundred characters", {"reference": "x" * 200, "state": "undelivered"}),
        ("a pattern", {"reference": "%", "state": "undelivered"}),
    ],
)
def test_a_receipt_that_names_no_message_of_its_carrier_changes_nothing(world, _case, receipt):
    world.accept(3)
    world.send()

    hear(world.channel, receipt, receipt)

    assert statuses() == [Status.SUBMITTED] * 3
    with tenancy.as_engine():
        assert DeliveryReceipt.objects.filter(folded_at=None).count() == 1  # kept, once


def test_a_receipt_ends_the_message_it_names_and_no_other_of_the_same_number(world):
    world.accept_drafts([world.draft(row=row) for row in range(2)])
    first, _second = world.send()

    hear(world.channel, {"reference": first, "state": "delivered", "recipient": "+447700900123"})

    assert sorted(statuses()) == [Status.SUBMITTED, Status.DELIVERED]
