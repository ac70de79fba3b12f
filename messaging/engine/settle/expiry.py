"""Validity ends what waits for a receipt that never came, and what could not be handed over in time.

All messages are valid for the same time, so what is due is found by its age: the ids are times.  Each sweep looks at what has
come of age since the one before, and at nothing that it found final then.  What was given less time (the test of a channel)
is ended with the others of its age.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.conf import settings

from kit import tenancy
from kit.ids import first_id_at, made_at
from kit.sql import array, records, rows, run
from messaging.engine.models import SweepProgress
from messaging.engine.states import Status

from .settling import Change, settle

BATCH = 1_000
#: So many messages are looked at in one transaction.
LOOKED_AT = 10_000
VALIDITY = timedelta(hours=settings.MESSAGE_VALIDITY_HOURS)
#: Further back nothing is looked for: where the first sweep of all begins, and the most that one open message can hold up.
FURTHEST = timedelta(days=14)

# By the database's clock: a worker's may be wrong.  Progress beyond what has come of age was noted by a clock that has been
# put back since.
_SPAN = """
SELECT CASE WHEN p.done_before < aged.until THEN greatest(p.done_before, aged.until - %(furthest)s)
    ELSE aged.until - %(furthest)s END AS since, aged.until
FROM (SELECT clock_timestamp() - %(validity)s AS until) aged LEFT JOIN engine_sweepprogress p ON p.sweep = %(sweep)s
"""

_LOOK = """
WITH looked AS MATERIALIZED (
    SELECT id, status FROM engine_message WHERE id >= %(first)s AND id < %(end)s ORDER BY id LIMIT %(most)s
)
SELECT (SELECT id FROM looked ORDER BY id DESC LIMIT 1) AS last, (SELECT count(*) FROM looked) AS number,
    ARRAY(SELECT id FROM looked WHERE status < 90 ORDER BY id) AS open
"""

# What is under a claim is left to its drain: it is in nobody's queue, and it has no outcome yet.
_OVERDUE = """
SELECT id FROM engine_message m
WHERE id = ANY(%s::uuid[]) AND status IN (10, 20, 40, 45) AND validity_until < now()
    AND (status <> 20 OR EXISTS (SELECT FROM engine_queueentry q WHERE q.message_id = m.id FOR UPDATE SKIP LOCKED))
FOR UPDATE OF m SKIP LOCKED
"""

_NOTE = """
INSERT INTO engine_sweepprogress (sweep, done_before) VALUES (%s, %s)
ON CONFLICT (sweep) DO UPDATE SET done_before = excluded.done_before
"""


class Span(NamedTuple):
    """The times of acceptance whose messages are to be looked at now."""

    since: datetime
    until: datetime


class Look(NamedTuple):
    """What one look at the oldest messages of a span found: where it ended, and which of them were not final."""

    last: UUID | None
    number: int
    open: list[UUID]


def expire_overdue(*, validity: timedelta = VALIDITY) -> int:
    """End messages whose validity has run out, giving back what they had taken; how many.

    None that was accepted less than `validity` ago is looked at.  Stopped anywhere, the next call goes on from there.
    """
    with tenancy.as_engine():
        [span] = records(Span, _SPAN, {"sweep": SweepProgress.EXPIRY, "validity": validity, "furthest": FURTHEST})
    first, end = first_id_at(span.since), first_id_at(span.until)
    ended, left, is_over = 0, None, False
    while not is_over:
        with tenancy.as_engine():
            [look] = records(Look, _LOOK, {"first": first, "end": end, "most": LOOKED_AT})
            expired = _expire(look.open)
            is_over = look.number < LOOKED_AT
            first = end if is_over else look.last
            left = left or next((id for id in look.open if id not in expired), None)
            run(_NOTE, [SweepProgress.EXPIRY, made_at(left or first)])
        ended += len(expired)
    return ended


def _expire(open: list[UUID]) -> set[UUID]:
    """End those that are overdue, but for what somebody else has in hand; which ones."""
    ended: set[UUID] = set()
    for start in range(0, len(open), BATCH):
        overdue = [id for (id,) in rows(_OVERDUE, [array(open[start : start + BATCH])])]
        settle(Change(id, Status.EXPIRED, "no_receipt_in_time") for id in overdue)
        ended.update(overdue)
    return ended
