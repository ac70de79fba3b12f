"""What has waited for long on channels that could take it: for the watchdog of the processes that should have."""

from collections.abc import Collection
from uuid import UUID

from kit import tenancy
from kit.sql import rows

_WAITING = """
SELECT c.id FROM channels_channel c CROSS JOIN LATERAL (
    SELECT 1 FROM engine_queueentry q
    WHERE q.channel_id = c.id AND q.due_at <= now() - make_interval(secs => %(seconds)s)
    ORDER BY q.lane, q.organisation_id, q.due_at LIMIT 1
) ripe WHERE c.is_active AND c.id = ANY(%(channels)s::uuid[]) LIMIT 1
"""


def is_anything_ripe_for(seconds: float, *, channel_ids: Collection[UUID]) -> bool:
    """Whether one of these channels has a message that could have left so many seconds ago."""
    if not channel_ids:
        return False
    with tenancy.as_engine():
        return bool(rows(_WAITING, {"seconds": seconds, "channels": [str(id) for id in channel_ids]}))
