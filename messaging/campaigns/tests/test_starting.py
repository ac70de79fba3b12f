"""Starting a campaign: now or later, once, and only what can be sent and paid."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from billing.ledger.models import Account
from kit.errors import Invalid
from kit.money import money
from messaging.campaigns import tasks
from messaging.campaigns.actions import create_draft, set_schedule, start_campaign
from messaging.campaigns.errors import (
    BalanceTooLow,
    CampaignIncomplete,
    FileNotReady,
    FileUnreadable,
    NobodyToSendTo,
    NotADraftCampaign,
)
from messaging.campaigns.models import Campaign
from messaging.campaigns.tests.factories import act, make_draft, make_file, make_started, make_world, people, upload

pytestmark = pytest.mark.django_db
Kind = Account.Kind


def test_starting_holds_the_campaign_to_what_is_there_and_who_did_it():
    world = make_world()

    campaign = make_started(world)

    assert (campaign.status, campaign.recipients, campaign.accepted) == ("sending", 3, 0)
    assert AuditEntry.objects.filter(action="campaign.started", target_id=str(campaign.pk)).count() == 1


def test_of_two_who_start_it_one_does():
    world = make_world()
    campaign = make_started(world)

    with pytest.raises(NotADraftCampaign):
        act(start_campaign, world, campaign)


def test_a_balance_that_does_not_reach_names_what_is_missing_and_keeps_the_draft():
    world = make_world(funds="0.10")
    draft = make_draft(world, count=4)

    with pytest.raises(BalanceTooLow) as refused:
        act(start_campaign, world, draft)

    assert refused.value.details == {"needed": "0.16", "available": "0.1", "currency": "GBP", "shortfall": "0.06"}
    draft.refresh_from_db()
    assert draft.status == Campaign.Status.DRAFT
    assert world.balance(Kind.WALLET) == money("0.10")


def test_what_is_missing_is_named():
    world = make_world()
    with world.customer.scope():
        file = make_file(world.customer, people(1))
        draft = create_draft(organisation=world.customer, file=file, by=file.uploaded_by)

    with pytest.raises(CampaignIncomplete) as refused:
        act(start_campaign, world, draft)

    assert refused.value.details["missing"] == ["template", "sender"]


@pytest.mark.parametrize(
    ("content", "read", "error"),
    [
        (people(1), False, FileNotReady),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), True, FileUnreadable),
        ("phone,name\n12,Ada\n13,Bob\n", True, NobodyToSendTo),
    ],
)
def test_a_file_that_gives_no_recipients_starts_nothing(content, read, error):
    world = make_world()
    draft = make_draft(world)
    file = (make_file if read else upload)(world.customer, content)
    Campaign.objects.filter(pk=draft.pk).update(file=file)

    with pytest.raises(error):
        act(start_campaign, world, draft)


def test_a_scheduled_campaign_begins_when_its_time_has_come(django_capture_on_commit_callbacks):
    world = make_world()
    draft = make_draft(world)
    act(set_schedule, world, draft, starts_at=timezone.now() + timedelta(hours=1))
    campaign = act(start_campaign, world, draft)
    assert campaign.status == "scheduled"

    tasks.sweep_campaigns()
    campaign.refresh_from_db()
    assert campaign.status == "scheduled"

    Campaign.objects.update(starts_at=timezone.now())
    with django_capture_on_commit_callbacks(execute=True):
        tasks.sweep_campaigns()

    campaign.refresh_from_db()
    assert (campaign.status, campaign.accepted) == ("sent", 3)
    assert campaign.started_at


def test_a_time_that_is_past_is_refused():
    world = make_world()
    draft = make_draft(world)

    with pytest.raises(Invalid):
        act(set_schedule, world, draft, starts_at=timezone.now())
