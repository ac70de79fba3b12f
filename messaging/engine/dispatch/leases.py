"""The sweeper: what a lost bell or a killed worker left behind."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from kit import tenancy
from kit.sql import array, rows
from messaging.channels.types.base import Outcome
from messaging.engine.journal import note_outcomes
from messaging.engine.states import LANES

from .claim import Claimed
from .holding import NEVER
from .outcomes import record_outcomes
from .records import Written

LANE_OF_CATEGORY = (
    "CASE m.category " + " ".join(f"WHEN '{name}' THEN {int(lane)}" for name, lane in LANES.items()) + " END"
)

# In the order of the index, so that it is read from its first row on however many rows wait.
_RIPE_CHANNELS = """
SELECT c.id FROM channels_channel c CROSS JOIN LATERAL (
    SELECT 1 FROM engine_queueentry q WHERE q.channel_id = c.id AND q.due_at <= now()
    ORDER BY q.lane, q.organisation_id, q.due_at LIMIT 1
) ripe WHERE c.is_active
"""

_EXPIRED = "SELECT id FROM engine_claim WHERE lease_until < now() ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED"
_OF_WORKER = "SELECT id FROM engine_claim WHERE worker = %s ORDER BY id FOR UPDATE"

# Whether bytes of what is `left` did leave nobody knows, so it is unknown: its receipt will tell, or its validity, and it
# is never sent again.  What provably never left is queued again, and there never was an attempt.
_END = f"""
WITH c AS (DELETE FROM engine_claim WHERE id = ANY(%(claims)s::uuid[]) RETURNING *),
u AS MATERIALIZED (
    SELECT c.id AS claim_id, c.channel_id, u.message_id, u.number, u.reference,
        %(left)s::uuid[] IS NULL OR u.message_id = ANY(%(left)s::uuid[]) AS may_have_left
    FROM c, unnest(c.message_ids, c.numbers, c.user_references) u(message_id, number, reference)
    WHERE u.message_id <> ALL(%(answered)s::uuid[])
),
unknown AS (
    UPDATE engine_message m SET status = 45, attempts = u.number FROM u
    WHERE u.may_have_left AND m.id = u.message_id AND m.status = 20 RETURNING m.id, m.organisation_id
),
a AS (
    INSERT INTO engine_attempt (message_id, number, organisation_id, channel_id, reference, outcome, parts, code,
        carrier_reference, started_at, ended_at)
    SELECT u.message_id, u.number, unknown.organisation_id, u.channel_id, u.reference, 4, 1, %(why)s, '',
        uuid_extract_timestamp(u.claim_id), now()
    FROM u JOIN unknown ON unknown.id = u.message_id ON CONFLICT (message_id, number) DO NOTHING
),
again AS (
    INSERT INTO engine_queueentry (message_id, organisation_id, channel_id, campaign_id, lane, due_at)
    SELECT m.id, m.organisation_id, m.channel_id, m.campaign_id, {LANE_OF_CATEGORY},
        CASE WHEN p.status IN ('paused', 'cancelled') THEN '{NEVER}' ELSE now() END
    FROM u JOIN engine_message m ON m.id = u.message_id AND m.status = 20 AND NOT u.may_have_left
    LEFT JOIN campaigns_campaign p ON p.id = m.campaign_id
    ON CONFLICT (message_id) DO NOTHING RETURNING message_id
)
SELECT id, true FROM unknown UNION ALL SELECT message_id, false FROM again
"""
_IN_HAND = """
SELECT c.channel_id, c.id, u.message_id, u.number, u.reference
FROM engine_claim c, unnest(c.message_ids, c.numbers, c.user_references) u(message_id, number, reference)
WHERE c.id = ANY(%(claims)s::uuid[]) ORDER BY c.channel_id
"""
_WHOSE = "SELECT id, organisation_id, category FROM engine_message WHERE id = ANY(%(ids)s::uuid[])"
#: Claims given up at a time.
BATCH = 20


def ring_for_ripe() -> list[UUID]:
    """Ring every channel that has ripe rows; which ones."""
    from messaging.engine.bell import ring
    from messaging.engine.tasks import drain_channel

    with tenancy.as_engine():
        channels = [id for (id,) in rows(_RIPE_CHANNELS)]
    for channel_id in channels:
        ring(drain_channel, channel_id)
    return channels


def has_claims(worker: str) -> bool:
    """Whether anything that worker took has no outcome yet."""
    with tenancy.as_engine():
        return bool(rows("SELECT 1 FROM engine_claim WHERE worker = %s LIMIT 1", [worker]))


class InHand(NamedTuple):
    """A message under a claim."""

    channel_id: UUID
    claim_id: UUID
    message_id: UUID
    number: int
    reference: int


class Ended(NamedTuple):
    """The messages of claims that were ended: whose fate is unknown, that are queued again, and whose carrier had answered."""

    unknown: list[UUID]
    given_back: list[UUID]
    answered: list[UUID]


def give_up_expired_leases() -> list[UUID]:
    """Mark the messages of claims whose lease ran out unknown; which ones."""
    with tenancy.as_engine():
        expired = [id for (id,) in rows(_EXPIRED, [BATCH])]
        return [id for id, is_unknown in _end(expired, why="lease expired") if is_unknown]


def end_claims_of(worker: str, *, read: Callable[[], Written | None]) -> Ended:
    """End the claims of a worker that is dead, by what its journal proves; `read` reads it, once nobody else can end them.

    What its carrier answered is written down; what else left is unknown, the rest is queued again.  Without proof, all is
    unknown.
    """
    with tenancy.as_engine():
        claims = [id for (id,) in rows(_OF_WORKER, [worker])]
        if not claims:
            return Ended([], [], [])
        proof = read()
        in_hand = [InHand(*line) for line in rows(_IN_HAND, {"claims": array(claims)})] if proof else []
        left = [one.message_id for one in in_hand if one.message_id in proof.left] if proof else None
        answered = [one for one in in_hand if one.message_id in proof.answers] if proof else []
        ended = _end(claims, left=left, answered=[one.message_id for one in answered], why="the worker died")
        noted = [
            (channel_id, *_write_down(channel_id, list(messages), proof.answers))
            for channel_id, messages in groupby(answered, key=attrgetter("channel_id"))
        ]
    for channel_id, claimed, outcomes in noted:
        note_outcomes(claimed, outcomes, channel_id=channel_id)
    unknown = [id for id, is_unknown in ended if is_unknown]
    given_back = [id for id, is_unknown in ended if not is_unknown]
    return Ended(unknown, given_back, [one.message_id for one in answered])


def _end(
    claims: list[UUID], *, why: str, left: list[UUID] | None = None, answered: Sequence[UUID] = ()
) -> list[tuple[UUID, bool]]:
    """The messages that are unknown now, and those queued again (false).  None for `left`: any of them may have."""
    parameters = {"claims": claims, "left": left, "answered": list(answered), "why": why}
    return rows(_END, parameters) if claims else []


def _write_down(
    channel_id: UUID, messages: list[InHand], answers: Mapping[UUID, Outcome]
) -> tuple[dict[UUID, Claimed], list[Outcome]]:
    """What came of these, as their worker would have; of what was sent no more is known than that takes."""
    whose = {id: rest for id, *rest in rows(_WHOSE, {"ids": array([message.message_id for message in messages])})}
    claimed = {
        id: Claimed(id, whose[id][0], "", "", "", False, 0, number, reference, 0, whose[id][1], claim_id)
        for _channel, claim_id, id, number, reference in messages
        if id in whose
    }
    outcomes = [answers[id] for id in claimed]
    record_outcomes(channel_id=channel_id, claimed=claimed, outcomes=outcomes)
    return claimed, outcomes
