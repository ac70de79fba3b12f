"""The sweeper: what a lost bell or a killed worker left behind."""

from uuid import UUID

from kit import tenancy
from kit.sql import rows

# In the order of the index, so that it is read from its first row on however many rows wait.
_RIPE_CHANNELS = """
SELECT c.id FROM channels_channel c CROSS JOIN LATERAL (
    SELECT 1 FROM engine_queueentry q WHERE q.channel_id = c.id AND q.due_at <= now()
    ORDER BY q.lane, q.organisation_id, q.due_at LIMIT 1
) ripe WHERE c.is_active
"""

_EXPIRED = """
SELECT id FROM engine_claim WHERE lease_until < now() ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
"""

# A claim whose lease ran out belonged to a worker that died or froze.  Whether bytes left nobody knows, so its messages
# are unknown: their receipts will tell, or their validity.  They are never sent again.
_GIVE_UP = """
WITH c AS (DELETE FROM engine_claim WHERE id = ANY(%s) RETURNING *),
u AS (SELECT c.id, c.channel_id, u.* FROM c, unnest(c.message_ids, c.numbers, c.user_references) u(message_id, number, reference)),
m AS (UPDATE engine_message m SET status = 45, attempts = u.number FROM u WHERE m.id = u.message_id AND m.status = 20
    RETURNING m.id, m.organisation_id)
INSERT INTO engine_attempt (message_id, number, organisation_id, channel_id, reference, outcome, code, carrier_reference,
    started_at, ended_at)
SELECT u.message_id, u.number, m.organisation_id, u.channel_id, u.reference, 4, 'lease expired', '',
    uuid_extract_timestamp(u.id), now()
FROM u JOIN m ON m.id = u.message_id ON CONFLICT (message_id, number) DO NOTHING RETURNING message_id
"""
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


def give_up_expired_leases() -> list[UUID]:
    """Mark the messages of claims whose lease ran out unknown; which ones."""
    with tenancy.as_engine():
        expired = [id for (id,) in rows(_EXPIRED, [BATCH])]
        return [id for (id,) in rows(_GIVE_UP, [expired])] if expired else []
