"""A campaign's recipients accepted batch by batch, each once, for what they cost."""

import pytest
from django.db.models import F
from django.utils import timezone

from billing.ledger.books import problems
from billing.ledger.errors import InsufficientBalance
from billing.ledger.models import Account, Transfer
from billing.ledger.tests.factories import fund
from billing.packages.models import AllowanceUse
from billing.packages.tests.factories import make_allowance
from kit.money import money
from messaging.campaigns import batches
from messaging.campaigns.actions import resume_campaign
from messaging.campaigns.batches import accept_next_batch
from messaging.campaigns.models import SkippedRow
from messaging.campaigns.tests.factories import accept_all, act, make_started, make_world
from messaging.content.models import MessageTemplate, SenderId
from messaging.engine.accept import acceptance
from messaging.engine.models import Message, QueueEntry, TrafficCount
from messaging.engine.queries import progress_of
from messaging.engine.states import Status
from messaging.recipients.models import OptOut

pytestmark = pytest.mark.django_db
Kind = Account.Kind


def test_all_recipients_are_accepted_once_batch_by_batch(monkeypatch):
    monkeypatch.setattr(batches, "BATCH", 4)
    world = make_world()
    campaign = make_started(world, count=10)

    assert accept_all(campaign) == 3

    assert (campaign.accepted, campaign.skipped, campaign.cursor) == (10, 0, 11)
    assert campaign.all_accepted_at
    assert Message.objects.filter(campaign_id=campaign.pk).count() == 10
    assert Message.objects.values("recipient").distinct().count() == 10
    assert world.balance(Kind.HOLD) == money("0.40")
    assert problems() == []


def test_a_batch_that_is_cut_off_leaves_no_trace(monkeypatch):
    world = make_world()
    campaign = make_started(world)
    advance = batches._advance

    def die(*args):
        advance(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(batches, "_advance", die)
    with pytest.raises(KeyboardInterrupt), world.customer.scope():
        accept_next_batch(campaign_id=campaign.pk)
    monkeypatch.undo()

    campaign.refresh_from_db()
    assert (campaign.accepted, Message.objects.count(), world.balance(Kind.HOLD)) == (0, 0, 0)
    accept_all(campaign)
    assert Message.objects.count() == 3


def test_rows_that_cannot_be_sent_are_skipped_with_row_and_field():
    world = make_world()
    campaign = make_started(world, "phone,name\n07400123456,Ada\n07400123457,\n07400123458,%s\n" % ("x" * 60))

    accept_all(campaign)

    assert (campaign.accepted, campaign.skipped) == (1, 2)
    assert list(SkippedRow.objects.order_by("row").values_list("row", "number", "field", "reason")) == [
        (3, "+447400123457", "name", "missing"),
        (4, "+447400123458", "name", "too_long"),
    ]


def test_money_that_runs_out_stops_the_campaign_until_there_is_more(monkeypatch):
    monkeypatch.setattr(batches, "BATCH", 2)
    world = make_world(funds="0.20")
    campaign = make_started(world, count=5)
    Account.objects.filter(organisation=world.customer, kind=Kind.WALLET).update(balance=F("balance") - money("0.08"))

    accept_all(campaign)

    assert (campaign.status, campaign.accepted, campaign.stop_reason["code"]) == ("stopped", 2, "insufficient_balance")
    assert campaign.stop_reason["details"]["needed"] == "0.08"
    fund(world.customer, "1.00")
    act(resume_campaign, world, campaign)
    accept_all(campaign)
    assert (campaign.status, campaign.accepted, campaign.stop_reason) == ("sending", 5, {})


def test_a_refusal_after_everything_was_written_takes_back_all_of_it_but_the_reason(monkeypatch):
    world = make_world()
    allowance = make_allowance(world.customer, segments=2)
    campaign = make_started(world, count=3)
    before, hold = rows_written(), acceptance.hold

    def hold_and_refuse(**facts):
        hold(**facts)
        assert Message.objects.count() == 3
        raise InsufficientBalance(needed=money("0.04"), available=0, currency="GBP")

    monkeypatch.setattr(acceptance, "hold", hold_and_refuse)
    accept_all(campaign)

    assert rows_written() == before
    assert (campaign.status, campaign.accepted, campaign.cursor) == ("stopped", 0, 0)
    assert campaign.stop_reason["code"] == "insufficient_balance"
    allowance.refresh_from_db()
    assert (allowance.taken, world.balance(Kind.HOLD)) == (0, 0)


def rows_written() -> list[int]:
    """How many rows there are of what accepting writes."""
    kinds = (Message, QueueEntry, TrafficCount, Transfer, AllowanceUse)
    return [kind.objects.count() for kind in kinds]


def test_an_approval_that_was_withdrawn_stops_the_campaign():
    world = make_world()
    campaign = make_started(world)
    MessageTemplate.objects.update(archived_at=timezone.now())

    accept_all(campaign)

    assert (campaign.status, campaign.stop_reason["code"], Message.objects.count()) == ("stopped", "not_approved", 0)


def test_a_campaign_whose_template_and_sender_were_both_withdrawn_says_both():
    world = make_world()
    campaign = make_started(world)
    MessageTemplate.objects.update(archived_at=timezone.now())
    SenderId.objects.update(status="draft")

    accept_all(campaign)

    name = campaign.version.template.name
    why = {
        "template": f"Template {name} was archived. Choose another one.",
        "sender": "Sender 【Kestrel】 is not approved yet. Submit it for review, or choose an approved one.",
    }
    assert campaign.status == "stopped"
    assert campaign.stop_reason == {
        "code": "not_approved", "message": " ".join(why.values()), "details": {"fields": why},
    }  # fmt: skip


def test_promotion_leaves_out_who_opted_out():
    world = make_world(category="promotion", body="Hello {name}, sale today. Reply STOP to opt out.")
    with world.customer.scope():
        OptOut.objects.create(organisation=world.customer, number="+447400100001")

    campaign = make_started(world, count=3)

    assert (campaign.estimate["opted_out"], campaign.estimate["messages"]) == (1, 2)
    accept_all(campaign)
    assert Message.objects.filter(status=Status.BLOCKED).count() == 1
    assert progress_of(world.customer, [campaign.pk])[campaign.pk].by_reason == {"opted_out": 1}


def test_a_test_campaign_costs_nothing(django_capture_on_commit_callbacks):
    world = make_world(funds="")

    with django_capture_on_commit_callbacks(execute=True):
        campaign = make_started(world, is_test=True)

    campaign.refresh_from_db()
    assert campaign.accepted == 3
    assert set(Message.objects.values_list("is_test", flat=True)) == {True}
    assert world.balance(Kind.HOLD) == 0
