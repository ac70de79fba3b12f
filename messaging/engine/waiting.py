"""What waits on channels that could take it: for who drains another one, and for the watchdog of a process that should have."""

from collections.abc import Callable, Collection
from uuid import UUID

from kit import tenancy
from kit.sql import rows
from messaging.channels.runtime import open_channels

#: What has waited for less is on its way: somebody was rung for it, or claims it just now.
A_MOMENT_SECONDS = 0.1

_WAITING = """
SELECT c.id FROM channels_channel c CROSS JOIN LATERAL (
    SELECT 1 FROM engine_queueentry q
    WHERE q.channel_id = c.id AND q.due_at <= now() - make_interval(secs => %(seconds)s)
    ORDER BY q.lane, q.organisation_id, q.due_at LIMIT 1
) ripe WHERE c.is_active AND c.id = ANY(%(channels)s::uuid[])
"""


def ripe_for(seconds: float, *, channel_ids: Collection[UUID]) -> list[UUID]:
    """Those of these channels that have a message that could have left so many seconds ago."""
    if not channel_ids:
        return []
    with tenancy.as_engine():
        found = rows(_WAITING, {"seconds": seconds, "channels": [str(id) for id in channel_ids]})
    return [id for (id,) in found]


def who_waits(
    at_work: Collection[UUID], *, are_attended: Callable[[Collection[UUID]], Collection[UUID]] = lambda _ids: ()
) -> list[UUID]:
    """Channels besides those `at_work` that this process holds, that could take it and that no process is at, with something
    to send."""
    others = {other.id for other in open_channels() if other.id not in at_work and other.is_up and not other.is_avoided}
    return ripe_for(A_MOMENT_SECONDS, channel_ids=others - set(are_attended(others)))
