"""The page of a campaign under way, and the file of its results."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.rules.permissions import Role
from accounts.tests.factories import signed_in
from messaging.campaigns import tasks
from messaging.campaigns.batches import accept_next_batch
from messaging.campaigns.minutes import minutes_of
from messaging.campaigns.models import Campaign, CampaignMinute
from messaging.campaigns.tests.factories import make_started
from messaging.campaigns.tests.pages import HTMX, page, url
from messaging.engine.models import Message
from messaging.engine.states import Status

pytestmark = pytest.mark.django_db


def test_whole_numbers_in_the_results_are_recorded(world, client):
    campaign = make_started(world)
    results = url("campaign_results", campaign.pk)

    assert b"100\xe2\x80\xa2\xe2\x80\xa20" in client.get(results).getvalue()
    assert not AuditEntry.objects.filter(action="campaign.exported").exists()

    assert b"+447400100000" in signed_in(world.customer, Role.OWNER).get(results).getvalue()
    entry = AuditEntry.objects.get(action="campaign.exported")
    assert (entry.organisation, entry.target_id) == (world.customer, str(campaign.pk))


def test_pausing_resuming_and_stopping_from_the_page(world, client, bells):
    campaign = make_started(world)
    with world.customer.scope():
        accept_next_batch(campaign_id=campaign.pk)

    shown = page(client.get(url("campaign", campaign.pk)))
    assert "If you pause" in shown
    client.post(url("campaign_pause", campaign.pk))
    assert "Paused" in page(client.get(url("campaign", campaign.pk)))
    client.post(url("campaign_resume", campaign.pk))
    assert "can't be undone" in page(client.get(url("campaign_cancel", campaign.pk)))
    with bells():
        client.post(url("campaign_cancel", campaign.pk))

    campaign.refresh_from_db()
    assert campaign.status == "cancelled"
    assert Message.objects.filter(status=Status.CANCELLED).count() == 3
    again = client.post(url("campaign_pause", campaign.pk), headers={"referer": "http://testserver/campaigns/"})
    assert again.status_code in (302, 303, 409)


def test_the_live_fragment_says_quarters_once(world, client, bells):
    campaign = make_started(world, count=4)
    with world.customer.scope():
        accept_next_batch(campaign_id=campaign.pk)
    world.send(limit=2)

    first = page(client.get(url("campaign", campaign.pk), {"said": "25"}, **HTMX))
    again = page(client.get(url("campaign", campaign.pk), {"said": "50"}, **HTMX))

    assert 'data-say="50% handed to carriers, 0 failed"' in first
    assert "data-say" not in again
    assert "2 of 4 handed to carriers" in first


def note_as_of(moment):
    """Have the sweep look at the campaigns, at another time."""
    tasks.sweep_campaigns()
    CampaignMinute.objects.filter(pk=CampaignMinute.objects.latest("pk").pk).update(
        at=moment.replace(second=0, microsecond=0)
    )


def test_the_lines_count_handed_over_and_delivered_by_minute(world, client):
    campaign = make_started(world, count=4)
    with world.customer.scope():
        accept_next_batch(campaign_id=campaign.pk)
    start = timezone.now().replace(second=30, microsecond=0) - timedelta(minutes=4)
    Campaign.objects.update(started_at=start)

    first, second, *_rest = world.send(limit=3)
    note_as_of(start + timedelta(minutes=1))
    world.report((first, "delivered"), (second, "undelivered"))
    note_as_of(start + timedelta(minutes=2))
    tasks.sweep_campaigns()

    minutes = minutes_of(Campaign.objects.get(pk=campaign.pk))
    assert CampaignMinute.objects.count() == 2, "nothing moved after that"
    assert [(one.handed_over, one.delivered) for one in minutes] == [(0, 0), (3, 0), (0, 1), (0, 0)]
    assert "at most 3 were handed over" in page(client.get(url("campaign_minutes", campaign.pk)))
    assert 'data-chart="lines"' in page(client.get(url("campaign", campaign.pk)))


def test_a_stopped_campaign_says_why_and_what_to_do(world, client):
    campaign = make_started(world)
    Campaign.objects.update(
        status="stopped",
        stop_reason={
            "code": "insufficient_balance",
            "message": "…",
            "details": {"needed": "0.08", "available": "0.04", "currency": "GBP"},
        },
    )

    shown = page(client.get(url("campaign", campaign.pk)))

    assert "0.08 GBP" in shown
    assert "Resume" in shown


def test_a_standing_campaign_is_flagged(world, client):
    campaign = make_started(world)
    with world.customer.scope():
        accept_next_batch(campaign_id=campaign.pk)
    cache.set(f"campaign:pace:{campaign.pk}", [((timezone.now() - timedelta(seconds=90)).timestamp(), 0, 0)])

    assert "Nothing has moved for 9" in page(client.get(url("campaign", campaign.pk)))
