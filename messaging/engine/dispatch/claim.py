"""Claiming: which messages leave next, taken out of the queue and committed as a claim before a byte leaves."""

from typing import NamedTuple
from uuid import UUID

from kit import tenancy
from kit.ids import uuid7
from kit.sql import array, rows
from messaging.engine.settle import Change, settle
from messaging.engine.states import Lane, Status

LEASE_SECONDS = 60
#: Of every batch, at least this part is promotion's when promotion waits, however many codes and notices there are.
PROMOTION_SHARE = 0.1


class Claimed(NamedTuple):
    """One message under our lease: what is sent, and what its outcome is written down with."""

    message_id: UUID
    organisation_id: UUID
    sender: str
    recipient: str
    body: str
    is_unicode: bool
    segments: int
    number: int
    reference: int
    seconds_valid: int
    category: str
    claim_id: UUID

    @property
    def attempt_id(self) -> UUID:
        """What its outcome will name: a message is under one claim at a time."""
        return self.message_id


# Turn by turn between organisations: the organisations with waiting rows are found by skipping through the index,
# then each with ripe ones gives its oldest, as many as an even share of the batch.  In no fixed order, because there may
# be more organisations than places.
_PICK = """
WITH RECURSIVE waiting AS (
    (SELECT organisation_id FROM engine_queueentry
        WHERE channel_id = %(channel)s AND lane = %(lane)s
        ORDER BY organisation_id LIMIT 1)
    UNION ALL
    SELECT (SELECT q.organisation_id FROM engine_queueentry q
        WHERE q.channel_id = %(channel)s AND q.lane = %(lane)s
            AND q.organisation_id > waiting.organisation_id
        ORDER BY q.organisation_id LIMIT 1)
    FROM waiting WHERE waiting.organisation_id IS NOT NULL
),
turns AS (
    SELECT organisation_id, count(*) OVER () AS how_many FROM waiting
    WHERE organisation_id IS NOT NULL AND EXISTS (
        SELECT 1 FROM engine_queueentry q
        WHERE q.channel_id = %(channel)s AND q.lane = %(lane)s
            AND q.organisation_id = waiting.organisation_id AND q.due_at <= now())
    ORDER BY random()
)
SELECT ripe.message_id FROM turns CROSS JOIN LATERAL (
    SELECT q.message_id FROM engine_queueentry q
    WHERE q.channel_id = %(channel)s AND q.lane = %(lane)s
        AND q.organisation_id = turns.organisation_id AND q.due_at <= now()
    ORDER BY q.due_at LIMIT greatest(1, %(limit)s / turns.how_many)
    FOR UPDATE SKIP LOCKED
) ripe LIMIT %(limit)s
"""

# The lanes with ripe rows: one look instead of a pick in each, most of which would find nothing.
_RIPE_LANES = """
SELECT lane FROM unnest(%(lanes)s::smallint[]) AS lane WHERE EXISTS (
    SELECT 1 FROM engine_queueentry q WHERE q.channel_id = %(channel)s AND q.lane = lane.lane AND q.due_at <= now()
)
"""

# What was permitted when it was accepted may not be any more: a wish is obeyed at the moment the message would leave.
# No byte of what is `ended` was to leave, so there never was an attempt.  The pick holds the locks of all `ids`, so what is
# taken need not be joined with what is read: with a queue last analysed when it was empty, that is a loop in a loop.
_TAKE = """
WITH taken AS (DELETE FROM engine_queueentry WHERE message_id = ANY(%(ids)s::uuid[])),
m AS MATERIALIZED (
    SELECT m.id, m.organisation_id, m.sender, m.recipient, m.body, m.is_unicode, m.segments, m.attempts + 1 AS number,
        1 + floor(random() * 65535)::int AS reference,
        floor(extract(epoch FROM m.validity_until - now()))::int AS seconds_valid, m.category,
        CASE WHEN o.is_stopped THEN 'organisation_suspended' WHEN w.id IS NOT NULL THEN 'opted_out'
            WHEN m.validity_until < now() + interval '1 second' THEN 'not_sent_in_time' END AS ended
    FROM engine_message m
    JOIN accounts_organisation o ON o.id = m.organisation_id
    LEFT JOIN recipients_optout w
        ON m.category = 'promotion' AND w.organisation_id = m.organisation_id AND w.number = m.recipient
    WHERE m.id = ANY(%(ids)s::uuid[]) AND m.status = 20
),
made AS (
    INSERT INTO engine_claim (id, channel_id, worker, lease_until, message_ids, numbers, user_references)
    SELECT %(claim)s, %(channel)s, %(worker)s, now() + make_interval(secs => %(lease)s),
        array_agg(id ORDER BY id), array_agg(number ORDER BY id), array_agg(reference ORDER BY id)
    FROM m WHERE ended IS NULL HAVING count(*) > 0
)
SELECT id, organisation_id, sender, recipient, body, is_unicode, segments, number, reference, seconds_valid, category,
    %(claim)s::uuid, ended
FROM m
"""


def claim(*, channel_id: UUID, limit: int, worker: str) -> list[Claimed]:
    """Up to `limit` messages to send now, committed as one claim of `worker`'s.

    Verification goes before notice before promotion, which keeps a reserved share; within a lane
    organisations take turns.  Messages that may not leave any more are ended here, as blocked or expired.
    """
    with tenancy.as_engine():
        ids = _pick(channel_id, limit)
        if not ids:
            return []
        taken = rows(
            _TAKE,
            {"ids": array(ids), "claim": uuid7(), "channel": channel_id, "worker": worker, "lease": LEASE_SECONDS},
        )
        settle(_ended(id, why) for id, *_, why in taken if why)
        return [Claimed._make(facts) for *facts, why in taken if not why]


def _ended(message_id: UUID, why: str) -> Change:
    status = Status.EXPIRED if why == "not_sent_in_time" else Status.BLOCKED
    return Change(message_id, status, why)


def _pick(channel_id: UUID, limit: int) -> list[str]:
    ripe = {
        lane for (lane,) in rows(_RIPE_LANES, {"channel": channel_id, "lanes": array([int(lane) for lane in Lane])})
    }
    if len(ripe) == 1:
        return _pick_lane(channel_id, Lane(ripe.pop()), limit)
    return _pick_in_turn(channel_id, limit) if ripe else []


def _pick_in_turn(channel_id: UUID, limit: int) -> list[str]:
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
