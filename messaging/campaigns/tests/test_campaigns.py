"""A campaign from its draft to its end, at the actions' doors."""

import contextlib
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from accounts.models import AuditEntry
from billing.ledger.books import problems
from billing.ledger.models import Account
from billing.ledger.tests.factories import fund
from kit.errors import Invalid, NotFound
from kit.money import money
from messaging.campaigns import batches, measuring, tasks, tending
from messaging.campaigns.actions import (
    cancel_campaign,
    create_draft,
    pause_campaign,
    resume_campaign,
    running,
    set_message,
    set_reading,
    set_schedule,
    start_campaign,
)
from messaging.campaigns.actions import drafts as draft_actions
from messaging.campaigns.batches import accept_next_batch
from messaging.campaigns.errors import (
    BalanceTooLow,
    CampaignIncomplete,
    FileNotReady,
    FileUnreadable,
    NobodyToSendTo,
    NotADraftCampaign,
    NotNow,
)
from messaging.campaigns.measuring import cost_of, estimate_of
from messaging.campaigns.models import Campaign, SkippedRow
from messaging.campaigns.queries import campaign_of, campaigns_of
from messaging.campaigns.tests.factories import make_draft, make_file, make_started, make_world, people, upload
from messaging.channels.types.base import NotSent
from messaging.content.errors import NotApproved
from messaging.content.models import MessageTemplate
from messaging.content.tests.factories import approved_version, draft_version
from messaging.engine.dispatch.holding import NEVER
from messaging.engine.models import Message, QueueEntry
from messaging.engine.queries import progress_of
from messaging.engine.settle import Change, settle
from messaging.engine.states import Status
from messaging.recipients.models import OptOut

Kind = Account.Kind
pytestmark = pytest.mark.django_db


def accept_all(campaign: Campaign) -> int:
    """Answer the campaign's bell until nothing is left; how many batches it took."""
    rounds = 0
    more = True
    while more:
        with campaign.organisation.scope():
            more = accept_next_batch(campaign_id=campaign.pk)
        rounds += 1
    campaign.refresh_from_db()
    return rounds


def act(action, world, campaign: Campaign, **options) -> Campaign:
    with world.customer.scope():
        return action(organisation=world.customer, campaign_id=campaign.pk, **options)


# --- drafts


def test_a_draft_counts_what_it_will_take():
    world = make_world(body="Hello {name}, it is ready.")
    long = "x" * 40

    draft = make_draft(world, f"phone,name\n07400123456,{long}\n07400123457,Zoë\n07400123458,王伟\n07400123459,\n")

    estimate = estimate_of(draft)
    assert (estimate.recipients, estimate.messages, estimate.unusable, estimate.unusable_row) == (4, 3, 1, 5)
    assert (estimate.shortest, estimate.longest, estimate.segments) == (1, 1, 3)
    assert estimate.problems == {"name:missing": 1}
    assert estimate.unicode == 3, "the signature's brackets force Unicode"
    assert estimate.by_country == {"GB": [3, 3]}
    with world.customer.scope():
        cost = cost_of(organisation=world.customer, category="notice", estimate=estimate)
    assert (cost.total, cost.shortfall, cost.after) == (money("0.12"), 0, money("9.88"))


def test_a_text_stands_in_where_a_cell_is_empty():
    world = make_world()
    draft = make_draft(world, "phone,name\n07400123456,Ada\n07400123457,\n")
    act(set_message, world, draft, version_id=world.wording.id, sender_id=world.sender.pk,
        columns={"name": "name"}, fixed={"name": "friend"})  # fmt: skip
    act(start_campaign, world, draft)

    accept_all(draft)

    assert sorted(Message.objects.values_list("body", flat=True)) == [
        "【Kestrel】Hello Ada, it is ready.",
        "【Kestrel】Hello friend, it is ready.",
    ]


def test_every_variable_needs_a_column_or_a_text():
    world = make_world()
    draft = make_draft(world)

    for columns, fixed in (
        ({}, {}),
        ({"name": "nowhere"}, {}),
        ({"nobody": "name"}, {"name": "x"}),
        ({}, {"name": "x" * 99}),
    ):
        with pytest.raises(Invalid) as refused:
            act(set_message, world, draft, version_id=world.wording.id, sender_id=world.sender.pk,
                columns=columns, fixed=fixed)  # fmt: skip
        assert set(refused.value.details["variables"]) <= {"name", "nobody"}

    draft.refresh_from_db()
    assert draft.variable_columns == {"name": "name"}


def test_only_approved_wording_can_be_chosen():
    world = make_world()
    draft = make_draft(world)
    unapproved = draft_version(world.customer)

    with pytest.raises(NotApproved):
        act(set_message, world, draft, version_id=unapproved.pk, sender_id=world.sender.pk, columns={}, fixed={})


def test_a_count_is_only_of_the_rows_and_words_it_was_made_of():
    world = make_world()
    draft = make_draft(world)
    assert estimate_of(draft)

    with world.customer.scope():
        set_reading(organisation=world.customer, file_id=draft.file_id, default_region="US")
    tasks.read_recipient_file(str(draft.file_id))

    with world.customer.scope():
        assert estimate_of(campaign_of(world.customer, draft.pk)) is None


def test_large_drafts_are_counted_by_a_task(monkeypatch, django_capture_on_commit_callbacks):
    monkeypatch.setattr(draft_actions, "AT_ONCE", 2)
    monkeypatch.setattr(measuring, "CHUNK", 2)
    world = make_world()

    with django_capture_on_commit_callbacks() as asked:
        draft = make_draft(world, count=5)
    assert estimate_of(draft) is None
    for ask in asked:
        ask()

    with world.customer.scope():
        estimate = estimate_of(campaign_of(world.customer, draft.pk))
    assert (estimate.counted, estimate.messages, estimate.is_sample) == (5, 5, False)


# --- starting


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


# --- batches


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


def test_an_approval_that_was_withdrawn_stops_the_campaign():
    world = make_world()
    campaign = make_started(world)
    MessageTemplate.objects.update(archived_at=timezone.now())

    accept_all(campaign)

    assert (campaign.status, campaign.stop_reason["code"], Message.objects.count()) == ("stopped", "not_approved", 0)


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


# --- to the end


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
