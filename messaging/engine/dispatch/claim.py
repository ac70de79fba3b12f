"""Claiming: which messages leave next, and the attempts that say so before a byte does."""

from typing import NamedTuple
from uuid import UUID

from kit import tenancy
from kit.sql import records, rows, run
from messaging.engine.settle import Change, settle
from messaging.engine.states import Lane, Status

LEASE_SECONDS = 60
#: Of every batch, at least this part is promotion's when promotion waits, however many codes and notices there are.
PROMOTION_SHARE = 0.1


class Claimed(NamedTuple):
    """One message under our lease."""

    message_id: UUID
    attempt_id: UUID
    organisation_id: UUID
    sender: str
    recipient: str
    body: str
    is_unicode: bool
    segments: int
    reference: int
    attempts: int
    seconds_valid: int
    category: str


# Turn by turn between organisations: the organisations with waiting rows are found by skipping through the index,
# then each with ripe ones gives its oldest, as many as an even share of the batch.  In no fixed order, because there may
# be more organisations than places.
_PICK = """
WITH RECURSIVE waiting AS (
    (SELECT organisation_id FROM engine_queueentry
        WHERE channel_id = %(channel)s AND lane = %(lane)s AND attempt_id IS NULL
        ORDER BY organisation_id LIMIT 1)
    UNION ALL
    SELECT (SELECT q.organisation_id FROM engine_queueentry q
        WHERE q.channel_id = %(channel)s AND q.lane = %(lane)s AND q.attempt_id IS NULL
            AND q.organisation_id > waiting.organisation_id
        ORDER BY q.organisation_id LIMIT 1)
    FROM waiting WHERE waiting.organisation_id IS NOT NULL
),
turns AS (
    SELECT organisation_id, count(*) OVER () AS how_many FROM waiting
    WHERE organisation_id IS NOT NULL AND EXISTS (
        SELECT 1 FROM engine_queueentry q
        WHERE q.channel_id = %(channel)s AND q.lane = %(lane)s AND q.attempt_id IS NULL
            AND q.organisation_id = waiting.organisation_id AND q.due_at <= now())
    ORDER BY random()
)
SELECT ripe.message_id FROM turns CROSS JOIN LATERAL (
    SELECT q.message_id FROM engine_queueentry q
    WHERE q.channel_id = %(channel)s AND q.lane = %(lane)s AND q.attempt_id IS NULL
        AND q.organisation_id = turns.organisation_id AND q.due_at <= now()
    ORDER BY q.due_at LIMIT greatest(1, %(limit)s / turns.how_many)
    FOR UPDATE SKIP LOCKED
) ripe LIMIT %(limit)s
"""

_LEASE = """
WITH q AS (
    UPDATE engine_queueentry SET attempt_id = uuidv7(), lease_until = now() + make_interval(secs => %(lease)s)
    WHERE message_id = ANY(%(ids)s::uuid[]) RETURNING message_id, attempt_id
),
m AS (
    UPDATE engine_message m SET status = 30, attempts = m.attempts + 1
    FROM q WHERE m.id = q.message_id AND m.id = ANY(%(ids)s::uuid[]) AND m.status = 20
    RETURNING m.*, q.attempt_id, 1 + floor(random() * 65535)::int AS reference
),
a AS (
    INSERT INTO engine_attempt (id, organisation_id, message_id, channel_id, number, reference, outcome, code,
        carrier_reference, started_at)
    SELECT attempt_id, organisation_id, id, channel_id, attempts, reference, 0, '', '', now() FROM m
)
SELECT id, attempt_id, organisation_id, sender, recipient, body, is_unicode, segments, reference, attempts,
    floor(extract(epoch FROM validity_until - now()))::int, category
FROM m
"""

# What was permitted when it was accepted may not be any more: a wish is obeyed at the moment the message would leave.
_FORBIDDEN = """
SELECT u.message_id, CASE WHEN o.is_stopped THEN 'organisation_suspended' ELSE 'opted_out' END
FROM unnest(%(ids)s::uuid[], %(organisations)s::uuid[], %(recipients)s::text[], %(promotion)s::boolean[])
    u(message_id, organisation_id, recipient, is_promotion)
JOIN accounts_organisation o ON o.id = u.organisation_id
LEFT JOIN recipients_optout w ON u.is_promotion AND w.organisation_id = u.organisation_id AND w.number = u.recipient
WHERE o.is_stopped OR w.id IS NOT NULL
"""


def claim(*, channel_id: UUID, limit: int) -> list[Claimed]:
    """Up to `limit` messages to send now, each with its attempt committed.

    Verification goes before notice before promotion, which keeps a reserved share; within a lane
    organisations take turns.  Messages that may not leave any more are ended here, as blocked or expired.
    """
    with tenancy.as_engine():
        ids = _pick(channel_id, limit)
        if not ids:
            return []
        claimed = records(Claimed, _LEASE, {"ids": ids, "lease": LEASE_SECONDS})
        return _stop_forbidden(claimed)


def _pick(channel_id: UUID, limit: int) -> list[str]:
    reserved = max(1, int(limit * PROMOTION_SHARE)) if limit > 1 else 0
    urgent = _pick_lane(channel_id, Lane.VERIFICATION, limit - reserved)
    notices = _pick_lane(channel_id, Lane.NOTICE, limit - reserved - len(urgent))
    promotion = _pick_lane(channel_id, Lane.PROMOTION, limit - len(urgent) - len(notices))
    left = limit - len(urgent) - len(notices) - len(promotion)
    if left and len(urgent) + len(notices) >= limit - reserved:  # the reserve stayed empty: nobody else is kept waiting
        urgent += _pick_lane(channel_id, Lane.VERIFICATION, left, besides=urgent)
        left = limit - len(urgent) - len(notices) - len(promotion)
        notices += _pick_lane(channel_id, Lane.NOTICE, left, besides=notices)
    return urgent + notices + promotion


def _pick_lane(channel_id: UUID, lane: Lane, limit: int, *, besides: list[str] | tuple[()] = ()) -> list[str]:
    if limit <= 0:
        return []
    wanted = limit + len(besides)
    picked = rows(_PICK, {"channel": channel_id, "lane": int(lane), "limit": wanted})
    taken = set(besides)
    return [id for (found,) in picked if (id := str(found)) not in taken][:limit]


def _stop_forbidden(claimed: list[Claimed]) -> list[Claimed]:
    """End what may not leave any more; what is left.  No byte of it was to leave, so its attempt never was."""
    ended = _forbidden(claimed) | _overdue(claimed)
    if not ended:
        return claimed
    run("DELETE FROM engine_attempt WHERE id = ANY(%s::uuid[])", [[str(attempt_id) for attempt_id in ended]])
    settle(ended.values())
    return [one for one in claimed if one.attempt_id not in ended]


def _forbidden(claimed: list[Claimed]) -> dict[UUID, Change]:
    reasons = dict(
        rows(
            _FORBIDDEN,
            {
                "ids": [str(one.message_id) for one in claimed],
                "organisations": [str(one.organisation_id) for one in claimed],
                "recipients": [one.recipient for one in claimed],
                "promotion": [one.category == "promotion" for one in claimed],
            },
        )
    )
    return {
        one.attempt_id: Change(one.message_id, Status.BLOCKED, reasons[one.message_id])
        for one in claimed
        if one.message_id in reasons
    }


def _overdue(claimed: list[Claimed]) -> dict[UUID, Change]:
    return {
        one.attempt_id: Change(one.message_id, Status.EXPIRED, "not_sent_in_time")
        for one in claimed
        if one.seconds_valid <= 0
    }
