"""Texts and numbers are gone by the deadline each organisation sets.  States, prices and counts stay, so that the figures and
the books add up as before.

Each step is one small transaction that finds its rows by what is still in them, so it may be stopped anywhere and run again.
"""

import logging
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from kit import tenancy
from kit.ids import first_id_at, made_at
from kit.sql import records, rows, run
from messaging.engine.models import SweepProgress
from messaging.recipients.retention import forget_opted_out_numbers

log = logging.getLogger(__name__)

BATCH = 2_000
TURN_SECONDS = 40
#: An organisation's turn comes again when so much has become due.
STEP = timedelta(hours=1)
#: Until then a receipt without a message may still find it, and a wish may still be needed for a message on its way.
SETTLED = timedelta(hours=settings.MESSAGE_VALIDITY_HOURS) + timedelta(days=1)


class Due(NamedTuple):
    """One organisation and the span of time whose texts are to go now."""

    organisation_id: UUID
    path: str
    since: datetime
    until: datetime

    def bounds(self) -> dict[str, Any]:
        return {
            "organisation": self.organisation_id,
            "first": first_id_at(self.since),
            "last": first_id_at(self.until),
            "until": self.until,
            "batch": BATCH,
        }


_DUE = """
SELECT id, path::text, coalesce(erased_before, 'epoch'), %(now)s - make_interval(days => least(erase_after_days, %(most)s))
FROM accounts_organisation
WHERE coalesce(erased_before, 'epoch') < %(now)s - make_interval(days => least(erase_after_days, %(most)s)) - %(step)s
ORDER BY erased_before NULLS FIRST
"""

# What is still on its way is needed to send it and to know its receipt; its turn comes when it is final.
_MESSAGES = """
WITH past AS (
    SELECT id FROM engine_message
    WHERE organisation_id = %(organisation)s AND id >= %(first)s AND id < %(last)s
        AND status >= 90 AND (recipient <> '' OR body <> '')
    ORDER BY id LIMIT %(batch)s FOR UPDATE SKIP LOCKED
)
UPDATE engine_message m SET recipient = '', body = '' FROM past WHERE m.id = past.id AND m.id >= %(first)s AND m.id < %(last)s
RETURNING m.id
"""

# A carrier that names no message is answered with a name of our own making, which has the number in it.
_THEIR_RECEIPTS = """
WITH told AS (
    UPDATE engine_deliveryreceipt SET recipient = '', raw = '',
        reference = CASE WHEN reference LIKE 'ours:%%' THEN 'erased:' || id ELSE reference END
    WHERE message_id = ANY(%(ids)s::uuid[])
    RETURNING channel_id, old.reference AS reference
),
named AS (
    DELETE FROM engine_carrierreference c USING told
    WHERE c.channel_id = told.channel_id AND c.reference = told.reference AND c.reference LIKE 'ours:%%'
)
UPDATE engine_attempt SET carrier_reference = '' WHERE message_id = ANY(%(ids)s::uuid[]) AND carrier_reference LIKE 'ours:%%'
"""

_LEFT = """
SELECT min(id::text)::uuid FROM engine_message
WHERE organisation_id = %(organisation)s AND id >= %(first)s AND id < %(last)s AND (recipient <> '' OR body <> '')
"""

_INBOUND = """
UPDATE engine_inboundmessage SET sender = '', body = '' WHERE id = ANY(ARRAY(
    SELECT id FROM engine_inboundmessage
    WHERE id >= %(first)s AND id < %(last)s AND (sender <> '' OR body <> '')
        AND coalesce(organisation_id, (SELECT id FROM accounts_organisation WHERE kind = 'operator')) = %(organisation)s
    ORDER BY id LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
"""

# The same key still gives the same messages; only whom they went to is gone.
_ANSWERS = """
UPDATE engine_idempotencyrecord SET response = jsonb_set(response, '{messages}', (
    SELECT coalesce(jsonb_agg(message || '{"to": "", "typed": ""}'), '[]') FROM jsonb_array_elements(response -> 'messages') message))
WHERE id = ANY(ARRAY(
    SELECT id FROM engine_idempotencyrecord
    WHERE organisation_id = %(organisation)s AND id < %(last)s AND created_at < %(until)s
        AND jsonb_path_exists(response, '$.messages[*] ? (@.to != "" || @.typed != "")')
    LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
"""

# Receipts that came after their message was erased, or whose message was never found.  The order of receipts is the order
# they came in: the next so many are looked at, up to the first whose time has not come.
_LATE_RECEIPTS = """
WITH coming AS MATERIALIZED (
    SELECT id, message_id, received_at FROM engine_deliveryreceipt WHERE id > %(after)s ORDER BY id LIMIT %(batch)s
),
seen AS MATERIALIZED (
    SELECT * FROM coming
    WHERE id < coalesce((SELECT min(id) FROM coming WHERE received_at >= %(until)s), 9223372036854775807)
),
gone AS (
    UPDATE engine_deliveryreceipt r SET recipient = '', raw = '',
        reference = CASE WHEN r.reference LIKE 'ours:%%' THEN 'erased:' || r.id ELSE r.reference END
    FROM seen LEFT JOIN engine_message m ON m.id = seen.message_id
    WHERE r.id = seen.id AND (r.recipient <> '' OR r.raw <> '') AND coalesce(m.recipient, '') = ''
)
SELECT max(id), max(received_at), count(*) FROM seen
"""

_NOTE_RECEIPTS = """
INSERT INTO engine_sweepprogress (sweep, done_before, last_id) VALUES (%s, %s, %s)
ON CONFLICT (sweep) DO UPDATE SET done_before = excluded.done_before, last_id = excluded.last_id
"""


def erase_overdue(*, now: datetime | None = None, turn_seconds: float = TURN_SECONDS) -> int:
    """Erase what is past its organisation's deadline, those furthest behind first; how many messages were erased.

    What one turn leaves, the next one takes.
    """
    now, until, erased = now or timezone.now(), time.monotonic() + turn_seconds, 0
    for due in _due(now):
        if time.monotonic() > until:
            break
        erased += _erase(due, until=until)
        with tenancy.as_engine():
            forget_opted_out_numbers(organisation_id=due.organisation_id, before=min(due.until, now - SETTLED))
    _erase_late_receipts(now, until)
    return erased


def _due(now: datetime) -> list[Due]:
    with tenancy.as_engine():
        return records(Due, _DUE, {"now": now, "most": settings.MESSAGE_RETENTION_DAYS, "step": STEP})


def _erase(due: Due, *, until: float) -> int:
    bounds = due.bounds()
    if not all(_finish(statement, bounds, until) for statement in (_INBOUND, _ANSWERS)):
        return 0  # what was erased of messages would be noted as progress of all
    erased, reached = 0, bounds["first"]
    for ids in _batches(bounds, until):
        erased, reached = erased + len(ids), max([reached, *ids])
    if time.monotonic() < until:
        reached = bounds["last"]
    _note_progress(due, {**bounds, "last": reached})
    if erased:
        log.info("texts and numbers erased", extra={"organisation_id": str(due.organisation_id), "count": erased})
    return erased


def _finish(statement: str, bounds: dict[str, Any], until: float) -> bool:
    """Erase batch by batch; False when there is more and no time for it."""
    while time.monotonic() < until:
        with tenancy.as_engine():
            if run(statement, bounds) < BATCH:
                return True
    return False


def _batches(bounds: dict[str, Any], until: float) -> Iterator[list[UUID]]:
    """The ids erased, batch by batch; each begins where the one before ended."""
    first = bounds["first"]
    while time.monotonic() < until:
        with tenancy.as_engine():
            ids = [id for (id,) in rows(_MESSAGES, {**bounds, "first": first})]
            if ids:
                run(_THEIR_RECEIPTS, {"ids": [str(id) for id in ids]})
        yield ids
        if len(ids) < BATCH:
            return
        first = max(ids)


def _note_progress(due: Due, bounds: dict[str, Any]) -> None:
    """Begin where this turn ended next time, or at the first message that is still on its way."""
    with tenancy.as_engine():
        ((left,),) = rows(_LEFT, bounds)
        before = made_at(left or bounds["last"])
        run("UPDATE accounts_organisation SET erased_before = %s WHERE id = %s", [before, due.organisation_id])


def _erase_late_receipts(now: datetime, until: float) -> None:
    due = now - SETTLED
    with tenancy.as_engine():
        found = rows("SELECT last_id FROM engine_sweepprogress WHERE sweep = %s", [SweepProgress.LATE_RECEIPTS])
    after = found[0][0] if found else 0
    while time.monotonic() < until:
        with tenancy.as_engine():
            ((last, received_at, seen),) = rows(_LATE_RECEIPTS, {"after": after, "until": due, "batch": BATCH})
            if last is not None:
                after = last
                run(_NOTE_RECEIPTS, [SweepProgress.LATE_RECEIPTS, received_at, last])
        if seen < BATCH:
            break
