"""Which occurrences of the clock's schedule have been rung for."""

from datetime import datetime

from kit.sql import rows

# The database's clock was set back when what was rung for last lies ahead of it: the schedule goes on from there.
_CLAIM = """
INSERT INTO site_occurrence (entry, last_at) VALUES (%(entry)s, %(at)s)
ON CONFLICT (entry) DO UPDATE SET last_at = excluded.last_at
WHERE site_occurrence.last_at < excluded.last_at OR site_occurrence.last_at > %(now)s + interval '1 minute'
RETURNING entry
"""


def claim_occurrence(*, entry: str, at: datetime, now: datetime) -> bool:
    """Whether it is the caller who rings for this occurrence: true for one, however many ask, once it has committed."""
    return bool(rows(_CLAIM, {"entry": entry, "at": at, "now": now}))


def database_now() -> datetime:
    """The one clock all machines share."""
    [(now,)] = rows("SELECT clock_timestamp()")
    return now
