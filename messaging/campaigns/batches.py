"""Accepting a campaign batch by batch: each with its cursor in one transaction, exactly once whatever is killed."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import TextField
from django.db.models.functions import Cast
from django.utils import timezone

from kit.errors import DomainError
from messaging.content.queries import sendable
from messaging.engine.accept import Accepted, Draft, Refusal, accept_messages

from .models import Campaign, SkippedRow
from .queries import recipients_of
from .wording import Wording, make_wording

#: What a batch costs whatever its size is a fifth of it at a thousand; at twice as many a code still waits for nobody.
BATCH = 2_000
_VALUES = msgspec.json.Decoder(dict[str, str])


class Addressee(NamedTuple):
    """What a batch reads of a recipient: making a model of each would take as long as all the rest."""

    row: int
    number: str
    country: str
    values: dict[str, str]


def accept_next_batch(*, campaign_id: UUID) -> bool:
    """Accept the next recipients of a sending campaign; whether there are more.

    Messages, money, places in the queue and the cursor are one transaction.  Somebody else at the same campaign:
    nothing is done.  A refusal of the whole batch (balance, price, route, approval withdrawn, account suspended) stops
    the campaign with its reason; resumed, it goes on from the same row.  Runs in the organisation's scope, whose
    transaction it is.
    """
    campaign = locked(campaign_id)
    if campaign is None or campaign.status != Campaign.Status.SENDING or campaign.all_accepted_at:
        return False
    recipients = _next_of(campaign)
    try:
        _accept(campaign, recipients)
    except DomainError as refusal:
        _stop(campaign, refusal)
        return False
    return campaign.all_accepted_at is None


def locked(campaign_id: UUID) -> Campaign | None:
    """The campaign, for this transaction alone; None while somebody else has it."""
    return (
        Campaign.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("organisation", "file")
        .filter(pk=campaign_id)
        .first()
    )


def _next_of(campaign: Campaign) -> list[Addressee]:
    ahead = recipients_of(campaign.file).filter(row__gt=campaign.cursor)[:BATCH]
    said = ahead.values_list("row", "number", "country", Cast("values", TextField()))
    return [Addressee(row, number, country, _VALUES.decode(values)) for row, number, country, values in said]


def _accept(campaign: Campaign, recipients: Sequence[Addressee]) -> None:
    fields = []
    if recipients:
        with transaction.atomic():  # a refusal takes back the batch, and not the reason noted after it
            accepted = accept_messages(
                organisation=campaign.organisation,
                drafts=_drafts(_wording(campaign), recipients),
                campaign_id=campaign.pk,
                is_test=campaign.is_test,
                leave_out_unusable=True,
            )
        _advance(campaign, recipients, accepted)
        fields += ["cursor", "accepted", "skipped"]
    if len(recipients) < BATCH:
        campaign.all_accepted_at = timezone.now()
        fields.append("all_accepted_at")
    campaign.save(update_fields=fields)


def _wording(campaign: Campaign) -> Wording:
    """What is said, if it is still approved."""
    version, sender = sendable(campaign.organisation, campaign.version_id, campaign.sender_id)
    return make_wording(version, sender, campaign.variable_columns, campaign.fixed_values)


def _drafts(wording: Wording, recipients: Iterable[Addressee]) -> list[Draft]:
    return [
        Draft(
            recipient=recipient.number,
            country=recipient.country,
            version=wording.version,
            sender=wording.sender,
            values=wording.values_for(recipient.values),
            row=recipient.row,
        )
        for recipient in recipients
    ]


def _advance(campaign: Campaign, recipients: Sequence[Addressee], accepted: Accepted) -> None:
    numbers = {recipient.row: recipient.number for recipient in recipients}
    _note_skipped(campaign, numbers, accepted.refusals)
    campaign.cursor = recipients[-1].row
    campaign.accepted += len(accepted.messages)
    campaign.skipped += len({refusal.row for refusal in accepted.refusals})


def _note_skipped(campaign: Campaign, numbers: dict[int, str], refusals: Sequence[Refusal]) -> None:
    SkippedRow.objects.bulk_create(
        SkippedRow(
            organisation_id=campaign.organisation_id,
            campaign=campaign,
            row=refusal.row,
            number=numbers[refusal.row],
            reason=refusal.code[:40],
            field=refusal.field.removeprefix("variables.")[:80],
        )
        for refusal in refusals
    )


def _stop(campaign: Campaign, refusal: DomainError) -> None:
    campaign.status = Campaign.Status.STOPPED
    campaign.stop_reason = {"code": refusal.code, "message": str(refusal), "details": dict(refusal.details)}
    campaign.save(update_fields=["status", "stop_reason"])
