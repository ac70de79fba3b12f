"""Every read of messages.  Runs in the organisation's scope; ids of others are as if they did not exist."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from kit.ids import first_id_at
from kit.queries import one_of
from kit.sql import array, rows

from .models import Attempt, DeliveryReceipt, Message
from .pages import Share
from .states import FIRST_FINAL, AttemptOutcome, Status


def messages_for(organisation: Organisation) -> QuerySet[Message]:
    """The organisation's messages, newest first."""
    return Message.objects.filter(organisation=organisation).order_by("-id")


def of_campaign(messages: QuerySet[Message], campaign_id: UUID) -> QuerySet[Message]:
    """Those of a campaign, newest first.

    Asked for as a range and in the order of the campaigns' index.  Told that the campaign is one, PostgreSQL goes through
    everybody's messages of the day by their ids instead: it takes a campaign's for spread evenly, and they are not.
    """
    return messages.filter(campaign_id__range=(campaign_id, campaign_id)).order_by("-campaign_id", "-id")


def message_of(organisation: Organisation, id: UUID) -> Message:
    """One of the organisation's messages.  Raises NotFound."""
    return one_of(messages_for(organisation), pk=id)


@dataclass(frozen=True, slots=True)
class Step:
    """One moment in a message's life.  `code` names it (accepted, attempt, submitted, receipt, final); `data` explains."""

    at: datetime
    code: str
    label: Any
    tone: str
    data: dict[str, Any] = field(default_factory=dict)


def timeline_of(message: Message) -> list[Step]:
    """What happened to a message, in order."""
    steps = [Step(message.accepted_at, "accepted", _("Accepted"), "ok", {"price": message.price})]
    for attempt in Attempt.objects.filter(organisation_id=message.organisation_id, message_id=message.pk):
        steps += _steps_of(attempt)
    for receipt in DeliveryReceipt.objects.filter(organisation_id=message.organisation_id, message_id=message.pk):
        tone = "ok" if receipt.state == "delivered" else "bad"
        data = {"state": receipt.state, "code": receipt.error_code}
        steps.append(Step(receipt.received_at, "receipt", _("Receipt from the carrier"), tone, data))
    if message.final_at:
        data = {"status": message.status, "code": message.error_code}
        steps.append(Step(message.final_at, "final", message.get_status_display(), message.tone, data))
    return sorted(steps, key=lambda step: step.at)


def _steps_of(attempt: Attempt) -> list[Step]:
    started = Step(attempt.started_at, "attempt", _("Handed to a carrier"), "run", {"number": attempt.number})
    labels = {
        AttemptOutcome.SENT: (_("Taken by the carrier"), "ok"),
        AttemptOutcome.REFUSED: (_("Refused by the carrier"), "bad"),
        AttemptOutcome.NOT_SENT: (_("Not handed over, tried again"), "warn"),
        AttemptOutcome.UNKNOWN: (_("No answer from the carrier"), "warn"),
    }
    label, tone = labels[AttemptOutcome(attempt.outcome)]
    data = {"code": attempt.code, "reference": attempt.carrier_reference}
    return [started, Step(attempt.ended_at, "outcome", label, tone, data)]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the messages of one campaign are.  `waiting` have been handed over and await their receipt."""

    accepted: int = 0
    handed_over: int = 0
    delivered: int = 0
    failed: int = 0
    segments: int = 0
    spent: int = 0  # micros of delivered messages
    returned: int = 0  # micros of messages that did not arrive
    held: int = 0  # micros set aside at acceptance
    by_reason: dict[str, int] = field(default_factory=dict)
    by_status: dict[int, int] = field(default_factory=dict)  # changes into each state; 20 is acceptance

    @property
    def final(self) -> int:
        return self.delivered + self.failed

    @property
    def waiting(self) -> int:
        return max(0, self.handed_over - self.final)

    @property
    def queued(self) -> int:
        return max(0, self.accepted - max(self.handed_over, self.final))


_CAMPAIGN_COUNTS = """
    SELECT campaign_id, status, error_code, sum(messages)::bigint, sum(segments)::bigint, sum(amount)::bigint
    FROM engine_trafficcount WHERE organisation_id = %(organisation)s AND campaign_id = ANY (%(campaigns)s::uuid[])
    GROUP BY campaign_id, status, error_code
"""


def progress_of(organisation: Organisation, campaign_ids: Iterable[UUID]) -> dict[UUID, Progress]:
    """The progress of each campaign, from the traffic deltas: exact, in one query."""
    found = rows(_CAMPAIGN_COUNTS, {"organisation": organisation.pk, "campaigns": array(campaign_ids)})
    tallies: dict[UUID, dict[str, Any]] = defaultdict(lambda: defaultdict(int))
    reasons: dict[UUID, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    states: dict[UUID, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for id, status, error_code, messages, segments, amount in found:
        states[id][status] += messages
        _count(tallies[id], reasons[id], status, error_code, messages, segments, amount)
    return {
        id: Progress(**tally, by_reason=dict(reasons[id]), by_status=dict(states[id])) for id, tally in tallies.items()
    }


_SHARE = """
    SELECT status, error_code, sum(messages)::bigint, min(hour), max(hour) FROM engine_trafficcount
    WHERE organisation_id = %s AND campaign_id = %s GROUP BY status, error_code
"""
#: Ids are of their machine's clock, hours of the database's.
CLOCKS_DIFFER = timedelta(days=7)
#: Each code is looked for by itself, and carriers may have many.
MOST_CODES = 30


def share_of(organisation: Organisation, campaign_id: UUID, statuses: Iterable[Status]) -> Share | None:
    """How many of a campaign's messages are in one of these states; None when the figures don't tell.

    They count the ways into a state, so they tell of final states, and of the others once all messages are final.
    """
    asked = frozenset(statuses)
    counts = [(Status(status), *known) for status, *known in rows(_SHARE, [organisation.pk, campaign_id])]
    accepted = sum(messages for status, _, messages, *_ in counts if status == Status.QUEUED)
    final = sum(messages for status, _, messages, *_ in counts if status.is_final)
    if not counts or not (all(status.is_final for status in asked) or final == accepted):
        return None  # tests are not counted
    wanted = {(status, code): messages for status, code, messages, *_ in counts if status in asked and status.is_final}
    codes = frozenset(code for _, code in wanted)
    others = {code for status, code, *_ in counts if status not in asked} | {""}
    return Share(
        organisation_id=organisation.pk,
        campaign_id=campaign_id,
        messages=sum(wanted.values()),
        codes=None if codes & others or len(codes) > MOST_CODES else codes,
        first_id=first_id_at(min(since for *_, since, _ in counts) - CLOCKS_DIFFER),
        end_id=first_id_at(max(until for *_, until in counts) + CLOCKS_DIFFER),
    )


def _count(
    tally: dict[str, Any],
    reasons: dict[str, int],
    status: int,
    error_code: str,
    messages: int,
    segments: int,
    amount: int,
) -> None:
    if status == Status.QUEUED:
        tally["accepted"] += messages
        tally["segments"] += segments
        tally["held"] += amount
    elif status == Status.SUBMITTED:
        tally["handed_over"] += messages
    elif status == Status.DELIVERED:
        tally["delivered"] += messages
        tally["spent"] += amount
    elif status >= FIRST_FINAL:
        tally["failed"] += messages
        tally["returned"] += amount
        reasons[error_code or Status(status).name.lower()] += messages
