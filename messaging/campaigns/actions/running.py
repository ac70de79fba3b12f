"""A campaign at work: started, paused, resumed, cancelled.  Each locks its row, looks, and only then changes it."""

from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.audit import record
from accounts.models import Organisation
from kit.events import emit
from messaging.campaigns.errors import (
    BalanceTooLow,
    CampaignIncomplete,
    FileNotReady,
    FileUnreadable,
    NobodyToSendTo,
    NotADraftCampaign,
    NotNow,
)
from messaging.campaigns.events import campaign_sending, queue_disagrees
from messaging.campaigns.measuring import Estimate, cost_of, estimate_of, measure
from messaging.campaigns.models import Campaign, RecipientFile
from messaging.campaigns.queries import campaign_of, file_of
from messaging.campaigns.wording import wording_of
from messaging.content.queries import sendable
from messaging.engine.dispatch.holding import hold_campaign, let_go_campaign
from messaging.engine.errors import OrganisationStopped

from .drafts import check_time

Status = Campaign.Status

#: Places in the queue that are held or let go while the person waits; a task does the rest.
AT_ONCE = 10_000
#: So long the sweep looks for messages that come back to the queue after all: longer than a lease.
TEND_FOR = timedelta(minutes=3)


@transaction.atomic
def start_campaign(*, organisation: Organisation, campaign_id: UUID, starts_at: datetime | None = None) -> Campaign:
    """Send the draft now, or at its time.  Of two who start it at once, one does.

    Checked here, once more: the file is read, wording and sender are approved, every variable has its value, the
    wallet and the packages reach.  Raises NotADraftCampaign, CampaignIncomplete, FileNotReady, FileUnreadable,
    NobodyToSendTo, NotApproved, NoPrice, BalanceTooLow (with the shortfall), OrganisationStopped; it stays a draft
    then.
    """
    campaign = campaign_of(organisation, campaign_id, lock=True)
    if not campaign.is_draft:
        raise NotADraftCampaign(status=campaign.status)
    if organisation.is_stopped:
        raise OrganisationStopped
    campaign.organisation = organisation
    estimate = _ready(campaign)
    campaign.starts_at = check_time(starts_at) if starts_at else campaign.starts_at
    is_later = campaign.starts_at is not None and campaign.starts_at > timezone.now()
    campaign.status = Status.SCHEDULED if is_later else Status.SENDING
    campaign.started_at = None if is_later else timezone.now()
    campaign.recipients = campaign.file.tally["valid"]
    campaign.estimate = asdict(estimate)
    campaign.save(update_fields=["status", "starts_at", "started_at", "recipients", "estimate"])
    _record("campaign.started", campaign, after={"recipients": campaign.recipients, "starts_at": campaign.starts_at})
    if not is_later:
        emit(campaign_sending, sender=Campaign, campaign_id=campaign.pk)
    return campaign


@transaction.atomic
def pause_campaign(*, organisation: Organisation, campaign_id: UUID) -> Campaign:
    """Hand over no more.  What carriers have already still arrives.  Raises NotNow."""
    campaign = _in(organisation, campaign_id, Status.SENDING)
    _move(campaign, Status.PAUSED)
    hold_campaign(campaign.pk, limit=AT_ONCE)
    _tend_queue(campaign)
    _record("campaign.paused", campaign)
    return campaign


@transaction.atomic
def resume_campaign(*, organisation: Organisation, campaign_id: UUID) -> Campaign:
    """Go on where it stopped; nobody is messaged twice.  Raises NotNow, OrganisationStopped."""
    campaign = _in(organisation, campaign_id, Status.PAUSED, Status.STOPPED)
    if organisation.is_stopped:
        raise OrganisationStopped
    campaign.stop_reason = {}
    _move(campaign, Status.SENDING)
    let_go_campaign(campaign.pk, limit=AT_ONCE)
    _tend_queue(campaign)
    _record("campaign.resumed", campaign)
    emit(campaign_sending, sender=Campaign, campaign_id=campaign.pk)
    return campaign


@transaction.atomic
def cancel_campaign(*, organisation: Organisation, campaign_id: UUID) -> Campaign:
    """End it for good: what was not handed over is cancelled and its price comes back.  Raises NotNow."""
    running = (Status.SCHEDULED, Status.SENDING, Status.PAUSED, Status.STOPPED)
    campaign = _in(organisation, campaign_id, *running)
    campaign.ended_at = timezone.now()
    _move(campaign, Status.CANCELLED)
    hold_campaign(campaign.pk, limit=AT_ONCE)
    _tend_queue(campaign)
    _record("campaign.cancelled", campaign, after={"accepted": campaign.accepted, "recipients": campaign.recipients})
    return campaign


def _ready(campaign: Campaign) -> Estimate:
    """What the whole campaign takes, if it may be sent and paid."""
    if missing := _missing(campaign):
        raise CampaignIncomplete(missing=missing)
    # From here on nobody changes how the file is read: set_reading waits for this lock, then finds it in use.
    campaign.file = file_of(campaign.organisation, campaign.file_id, lock=True)
    _check_file(campaign.file)
    sendable(campaign.organisation, campaign.version_id, campaign.sender_id)
    wording = wording_of(campaign)
    if unmapped := [name for name, column in wording.columns.items() if column not in campaign.file.columns]:
        raise CampaignIncomplete(missing=["variables"], variables=unmapped)
    estimate = estimate_of(campaign) or measure(
        file=campaign.file, wording=wording, organisation=campaign.organisation
    )  # fmt: skip
    _check_balance(campaign, estimate)
    return estimate


def _missing(campaign: Campaign) -> list[str]:
    wording = wording_of(campaign)
    parts = {
        "file": campaign.file_id is None,
        "template": campaign.version_id is None,
        "sender": campaign.sender_id is None,
        "variables": wording is not None and bool(wording.missing()),
    }
    return [part for part, is_missing in parts.items() if is_missing]


def _check_file(file: RecipientFile) -> None:
    if file.status == file.Status.REFUSED:
        raise FileUnreadable(why=file.refusal.get("code", ""))
    if not file.is_read:
        raise FileNotReady(rows_read=file.rows_read)
    if not file.tally["valid"]:
        raise NobodyToSendTo(**{key: file.tally[key] for key in ("rows", "unusable", "duplicates", "blank")})


def _check_balance(campaign: Campaign, estimate: Estimate) -> None:
    cost = cost_of(
        organisation=campaign.organisation,
        category=campaign.category,
        estimate=estimate,
        is_test=campaign.is_test,
    )
    if cost.shortfall:
        raise BalanceTooLow(needed=cost.total, available=cost.wallet.available, currency=cost.currency)


def _in(organisation: Organisation, campaign_id: UUID, *states: Status) -> Campaign:
    campaign = campaign_of(organisation, campaign_id, lock=True)
    if campaign.status not in states:
        raise NotNow(status=campaign.status)
    campaign.organisation = organisation
    return campaign


def _move(campaign: Campaign, status: Status) -> None:
    campaign.status, campaign.tend_queue_until = status, timezone.now() + TEND_FOR
    campaign.save(update_fields=["status", "tend_queue_until", "stop_reason", "ended_at"])


def _tend_queue(campaign: Campaign) -> None:
    emit(queue_disagrees, sender=Campaign, campaign_id=campaign.pk)


def _record(action: str, campaign: Campaign, **facts) -> None:
    record(action=action, target=campaign, organisation=campaign.organisation, **facts)
