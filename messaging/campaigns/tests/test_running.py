"""A campaign under way: paused, resumed, cancelled, and its end."""

import contextlib
from datetime import timedelta

import pytest
from django.utils import timezone

from billing.ledger.books import problems
from billing.ledger.models import Account
from kit.errors import NotFound
from kit.money import money
from messaging.campaigns import batches, tasks, tending
from messaging.campaigns.actions import (
    cancel_campaign,
    create_draft,
    pause_campaign,
    resume_campaign,
    running,
    start_campaign,
)
from messaging.campaigns.batches import accept_next_batch
from messaging.campaigns.errors import NotNow
from messaging.campaigns.models import Campaign
from messaging.campaigns.queries import campaigns_of
from messaging.campaigns.tests.factories import accept_all, act, make_draft, make_started, make_world, people, upload
from messaging.channels.types.base import NotSent
from messaging.content.tests.factories import approved_version
from messaging.engine.dispatch.holding import NEVER
from messaging.engine.models import Message, QueueEntry
from messaging.engine.settle import Change, settle
from messaging.engine.states import Status

pytestmark = pytest.mark.django_db
Kind = Account.Kind


def test_a_campaign_is_sent_when_its_last_message_is_final(django_capture_on_commit_callbacks):
    world = make_world()
    campaign = make_started(world)
    accept_all(campaign)
    first, second, third = world.send()

    world.report((first, "delivered"), (second, "undelivered"))
    tasks.sweep_campaigns()
    campaign.refresh_from_db()
    assert campaign.status == "sending"

    with django_capture_on_commit_callbacks(execute=True):
        world.report((third, "delivered"))

    campaign.refresh_from_db()
    assert campaign.status == "sent"
    assert campaign.ended_at
    assert world.balance(Kind.WALLET) == money("9.92")
    assert problems() == []


def test_a_test_campaign_ends_too():
    world = make_world(funds="")
    campaign = make_started(world, is_test=True)
    accept_all(campaign)
    tasks.sweep_campaigns()
    campaign.refresh_from_db()
    assert campaign.status == "sending"

    settle(Change(id, Status.DELIVERED) for id in Message.objects.values_list("pk", flat=True))
    tasks.sweep_campaigns()

    campaign.refresh_from_db()
    assert campaign.status == "sent"


def test_a_campaign_of_which_nothing_could_be_sent_ends_too():
    world = make_world()
    campaign = make_started(world, "phone,name\n07400123456,\n")
    accept_all(campaign)

    tasks.sweep_campaigns()

    campaign.refresh_from_db()
    assert (campaign.status, campaign.accepted, campaign.skipped) == ("sent", 0, 1)


def test_pausing_keeps_what_waits_and_resuming_goes_on(monkeypatch, django_capture_on_commit_callbacks):
    monkeypatch.setattr(batches, "BATCH", 4)
    world = make_world()
    campaign = make_started(world, count=6)
    with world.customer.scope():
        accept_next_batch(campaign_id=campaign.pk)
    on_its_way = world.claim(limit=1)

    act(pause_campaign, world, campaign)

    assert world.claim() == {}
    assert accept_all(campaign) == 1
    assert campaign.accepted == 4
    world.record(on_its_way, [NotSent(attempt, "not bound") for attempt in on_its_way])
    QueueEntry.objects.exclude(due_at=NEVER).update(due_at="2020-01-01T00:00Z")
    assert world.claim() == {}, "what comes back to the queue waits too"

    act(resume_campaign, world, campaign)
    accept_all(campaign)
    assert campaign.accepted == 6
    assert len(world.claim()) == 6


def test_what_is_left_of_a_long_queue_is_held_and_let_go_by_its_task(monkeypatch):
    monkeypatch.setattr(running, "AT_ONCE", 2)
    monkeypatch.setattr(tending, "BATCH", 3)
    world = make_world()
    campaign = make_started(world, count=10)
    accept_all(campaign)

    act(pause_campaign, world, campaign)
    assert QueueEntry.objects.filter(due_at=NEVER).count() == 2
    tasks.tend_queue(str(campaign.pk))
    assert QueueEntry.objects.filter(due_at=NEVER).count() == 10

    act(resume_campaign, world, campaign)
    tasks.tend_queue(str(campaign.pk))
    assert QueueEntry.objects.filter(due_at=NEVER).count() == 0


def test_cancelling_returns_the_money_of_what_was_not_handed_over(monkeypatch, django_capture_on_commit_callbacks):
    monkeypatch.setattr(batches, "BATCH", 4)
    world = make_world()
    campaign = make_started(world, count=6)
    with world.customer.scope():
        accept_next_batch(campaign_id=campaign.pk)
    on_its_way = world.claim(limit=1)

    with django_capture_on_commit_callbacks(execute=True):
        act(cancel_campaign, world, campaign)

    campaign.refresh_from_db()
    assert (campaign.status, campaign.accepted) == ("cancelled", 4)
    assert Message.objects.filter(status=Status.CANCELLED).count() == 3
    assert (world.balance(Kind.HOLD), world.balance(Kind.WALLET)) == (money("0.04"), money("9.96"))
    assert accept_all(campaign) == 1
    assert campaign.accepted == 4

    world.record(on_its_way, [NotSent(attempt, "not bound") for attempt in on_its_way])
    with django_capture_on_commit_callbacks(execute=True):
        tasks.sweep_campaigns()
    assert Message.objects.filter(status=Status.CANCELLED).count() == 4, "what comes back is cancelled by the sweep"
    assert world.balance(Kind.WALLET) == money("10.00")
    assert problems() == []


def test_the_sweep_forgets_a_queue_nothing_can_come_back_to():
    world = make_world()
    campaign = make_started(world)
    accept_all(campaign)
    act(pause_campaign, world, campaign)
    Campaign.objects.update(tend_queue_until=timezone.now() - timedelta(seconds=1))

    tasks.sweep_campaigns()

    campaign.refresh_from_db()
    assert campaign.tend_queue_until is None


@pytest.mark.parametrize(
    ("status", "action"),
    [
        ("draft", pause_campaign),
        ("draft", cancel_campaign),
        ("sending", resume_campaign),
        ("paused", pause_campaign),
        ("sent", cancel_campaign),
        ("sent", resume_campaign),
        ("cancelled", resume_campaign),
        ("cancelled", cancel_campaign),
    ],
)
def test_what_the_state_does_not_allow_is_refused(status, action):
    world = make_world()
    campaign = make_draft(world)
    Campaign.objects.update(status=status)

    with pytest.raises(NotNow):
        act(action, world, campaign)

    campaign.refresh_from_db()
    assert campaign.status == status


def test_the_sweep_finds_what_a_lost_bell_missed(django_capture_on_commit_callbacks):
    world = make_world()
    campaign = make_started(world)
    file = upload(world.customer, people(2))

    with django_capture_on_commit_callbacks(execute=True):
        tasks.sweep_campaigns()

    campaign.refresh_from_db()
    file.refresh_from_db()
    assert (campaign.accepted, file.status) == (3, "read")


def test_anothers_campaign_is_not_found():
    world = make_world()
    campaign = make_started(world)

    for action in (pause_campaign, resume_campaign, cancel_campaign, start_campaign):
        with pytest.raises(NotFound), world.agent.scope():
            action(organisation=world.agent, campaign_id=campaign.pk)
    with world.agent.scope():
        assert list(campaigns_of(world.agent)) == []
    with contextlib.suppress(NotFound), world.agent.scope():
        version = approved_version(world.agent)
        create_draft(organisation=world.agent, file=campaign.file, by=version.author)
        raise AssertionError("another organisation's file was taken")
