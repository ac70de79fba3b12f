"""Circuit breakers: a channel whose carrier is in trouble is left alone, by all workers and all routes, and tried again
with one message at a time.

Times are the database's, so that a machine whose clock is off neither opens nor closes anything.
"""

import logging
from datetime import datetime
from uuid import UUID

from kit import tenancy
from kit.events import emit
from kit.sql import rows, run

from .events import channel_avoided
from .models import Channel

log = logging.getLogger(__name__)

#: How long a channel is left alone before it is tried again: at first, and at most after trials that failed.
REST_SECONDS, LONGEST_REST_SECONDS = 5, 30
#: Whoever tries has so long, before another may.
TRIAL_SECONDS = 10

# Other workers may have lines of their own to it.  One that is up speaks against a line that is merely down, and
# one that got something through just now against any trouble.
_OPEN = """
INSERT INTO channels_breaker (channel_id, organisation_id, opened_at, retry_at, why)
SELECT c.id, c.organisation_id, now(), now() + make_interval(secs => %(rest)s), %(why)s
FROM channels_channel c WHERE c.id = %(channel)s AND NOT EXISTS (
    SELECT FROM channels_bind b WHERE b.channel_id = c.id AND b.worker <> %(worker)s AND b.state = 'bound' AND b.trouble = ''
        AND b.updated_at > now() - interval '15 seconds'
        AND (NOT %(is_bound)s OR b.sent_at > now() - interval '5 seconds'))
ON CONFLICT (channel_id) DO UPDATE SET why = excluded.why, retry_at = excluded.retry_at
RETURNING opened_at = now()
"""

_REST = """
UPDATE channels_breaker SET why = %(why)s, retry_at = now() + least(
    make_interval(secs => %(longest)s), greatest(make_interval(secs => %(rest)s), (now() - opened_at) / 2))
WHERE channel_id = %(channel)s
"""

# One message of whoever comes first.
_TRY = """
UPDATE channels_breaker SET retry_at = now() + make_interval(secs => %(trial)s)
WHERE channel_id = %(channel)s AND retry_at <= now()
RETURNING retry_at
"""

# Unless it was opened anew, or rests longer, since.
_GIVE_BACK = """
UPDATE channels_breaker SET retry_at = now() WHERE channel_id = %(channel)s AND retry_at = %(trial)s
"""


def open_breaker(channel_id: UUID, why: str, *, worker: str, is_bound: bool) -> bool:
    """Leave the channel alone for a while from now on; False when another worker does well with it."""
    facts = {"channel": channel_id, "why": why[:300], "worker": worker, "is_bound": is_bound, "rest": REST_SECONDS}
    with tenancy.as_engine():
        opened = rows(_OPEN, facts)
        if opened == [(True,)]:
            log.warning("a channel is left alone", extra={"channel": str(channel_id), "why": why})
            emit(channel_avoided, sender=Channel, channel_id=channel_id)
    return bool(opened)


def rest_longer(channel_id: UUID, why: str) -> None:
    """A trial failed: the next one is later, and the later the longer the trouble has lasted."""
    facts = {"channel": channel_id, "why": why[:300], "rest": REST_SECONDS, "longest": LONGEST_REST_SECONDS}
    with tenancy.as_engine():
        run(_REST, facts)


def close_breaker(channel_id: UUID) -> None:
    """Use the channel as ever."""
    with tenancy.as_engine():
        if run("DELETE FROM channels_breaker WHERE channel_id = %s", [channel_id]):
            log.warning("a channel is used again", extra={"channel": str(channel_id)})


def take_trial(channel_id: UUID) -> datetime | None:
    """The trial, when the caller may try the channel with one message now: until when nobody else may."""
    with tenancy.as_engine():
        taken = rows(_TRY, {"channel": channel_id, "trial": TRIAL_SECONDS})
    return taken[0][0] if taken else None


def give_trial_back(channel_id: UUID, trial: datetime) -> None:
    """The channel was not tried after all.  A rest that began since is left as it is."""
    with tenancy.as_engine():
        run(_GIVE_BACK, {"channel": channel_id, "trial": trial})


def avoided_channels() -> list[UUID]:
    """The channels that are left alone right now."""
    with tenancy.as_engine():
        return [id for (id,) in rows("SELECT channel_id FROM channels_breaker WHERE retry_at > now() ORDER BY 1")]
