"""A campaign's messages minute by minute, noted while they move: to count them afterwards is to read them all."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone

from kit.sql import array, records, run
from messaging.engine.states import Status

from .models import Campaign

#: How far back the lines go.
SHOWN = timedelta(minutes=30)
MINUTE = timedelta(minutes=1)

# The traffic deltas are exact at every moment, so what is noted is how far the campaign had come; a minute's own share is
# the difference to the note before.  Two who look at once agree on the later one: the counts only grow.
_NOTE = """
INSERT INTO campaigns_campaignminute AS noted (organisation_id, campaign_id, at, handed_over, delivered)
SELECT c.organisation_id, c.id, date_trunc('minute', statement_timestamp()), found.handed_over, found.delivered
FROM campaigns_campaign c
CROSS JOIN LATERAL (
    SELECT coalesce(sum(t.messages) FILTER (WHERE t.status <> %(delivered)s), 0) AS handed_over,
        coalesce(sum(t.messages) FILTER (WHERE t.status = %(delivered)s), 0) AS delivered
    FROM engine_trafficcount t
    WHERE t.campaign_id = c.id AND t.status IN (%(submitted)s, %(refused)s, %(delivered)s)
) found
LEFT JOIN LATERAL (
    SELECT m.handed_over, m.delivered FROM campaigns_campaignminute m WHERE m.campaign_id = c.id ORDER BY m.at DESC LIMIT 1
) before ON true
WHERE (c.status IN ('sending', 'paused') OR c.tend_queue_until IS NOT NULL OR c.id = ANY(%(ids)s::uuid[]))
    AND (found.handed_over, found.delivered) <> (coalesce(before.handed_over, 0), coalesce(before.delivered, 0))
ON CONFLICT (campaign_id, at) DO UPDATE SET
    handed_over = greatest(noted.handed_over, excluded.handed_over),
    delivered = greatest(noted.delivered, excluded.delivered)
"""


class Minute(NamedTuple):
    """What happened within one minute."""

    at: datetime
    handed_over: int
    delivered: int


def note_minutes(*, also: Collection[UUID] = ()) -> None:
    """Note how far every campaign at work has come, and those that have just ended.  Runs under the engine."""
    states = {"submitted": Status.SUBMITTED, "refused": Status.REFUSED, "delivered": Status.DELIVERED}
    run(_NOTE, {**states, "ids": array(also)})


def minutes_of(campaign: Campaign) -> list[Minute]:
    """The last half hour of its sending, quiet minutes included; the minute under way is left out."""
    if campaign.started_at is None:
        return []
    now = timezone.now()
    end = _floor(min(now, (campaign.ended_at or now) + MINUTE))
    first = max(_floor(campaign.started_at), end - SHOWN)
    facts = {"organisation": campaign.organisation_id, "campaign": campaign.pk, "first": first, "end": end}
    by_minute = {noted.at: noted for noted in records(Noted, _NOTED, facts)}
    last = next((noted for noted in by_minute.values() if noted.at < first), None)
    minutes = []
    for place in range(int((end - first) / MINUTE)):
        at = first + place * MINUTE
        come = by_minute.get(at) or last
        minutes.append(Minute(at, *_between(last, come)))
        last = come
    return minutes


class Noted(NamedTuple):
    """How far a campaign had come when it was last looked at within a minute."""

    at: datetime
    handed_over: int
    delivered: int


#: What was noted in the minutes shown, and the last note before them.
_NOTED = """
    SELECT at, handed_over, delivered FROM campaigns_campaignminute
    WHERE organisation_id = %(organisation)s AND campaign_id = %(campaign)s AND at < %(end)s AND at >= coalesce(
        (SELECT max(at) FROM campaigns_campaignminute
            WHERE organisation_id = %(organisation)s AND campaign_id = %(campaign)s AND at < %(first)s),
        %(first)s
    )
"""


def _between(before: Noted | None, after: Noted | None) -> tuple[int, int]:
    """Handed over and delivered from one note to another; none is the beginning."""
    if after is None:
        return 0, 0
    if before is None:
        return after.handed_over, after.delivered
    return after.handed_over - before.handed_over, after.delivered - before.delivered


def _floor(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
