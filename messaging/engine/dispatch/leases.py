"""The sweeper: what a lost bell or a killed worker left behind."""

from uuid import UUID

from kit import tenancy
from kit.sql import rows

# In the order of the index, so that it is read from its first row on however many rows wait.
_RIPE_CHANNELS = """
SELECT c.id FROM channels_channel c CROSS JOIN LATERAL (
    SELECT 1 FROM engine_queueentry q WHERE q.channel_id = c.id AND q.attempt_id IS NULL AND q.due_at <= now()
    ORDER BY q.lane, q.organisation_id, q.due_at LIMIT 1
) ripe WHERE c.is_active
"""

# A lease that ran out belonged to a worker that died or froze after its attempt was committed.  Whether bytes left
# nobody knows, so the message is unknown: its receipt will tell, or its validity.  It is never sent again.
_GIVE_UP = """
WITH q AS (
    DELETE FROM engine_queueentry WHERE message_id IN (
        SELECT message_id FROM engine_queueentry WHERE attempt_id IS NOT NULL AND lease_until < now()
        LIMIT 1000 FOR UPDATE SKIP LOCKED
    ) RETURNING message_id, attempt_id
),
a AS (UPDATE engine_attempt a SET outcome = 4, code = 'lease expired', ended_at = now() FROM q
    WHERE a.id = q.attempt_id AND a.outcome = 0)
UPDATE engine_message m SET status = 45 FROM q WHERE m.id = q.message_id AND m.status = 30 RETURNING m.id
"""


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
    """Mark the messages of expired leases unknown; which ones."""
    with tenancy.as_engine():
        return [id for (id,) in rows(_GIVE_UP)]
