"""Claiming what is ripe, and writing down what came of it.  Run under the engine; each call is one transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from kit.sql import records, rows, run

from .rules.pauses import LONGEST_BREAK, pause_after

LEASE = timedelta(seconds=60)
#: Calls one process makes to one endpoint at a time; one that fails gets one.
CALLS_AN_ENDPOINT = 8


class Claimed(NamedTuple):
    """One event under our lease."""

    id: UUID
    lease_until: datetime
    endpoint_id: UUID
    organisation_id: UUID
    message_id: UUID
    event: str
    tries: int
    give_up_at: datetime
    url: str
    sealed_secret: str
    sealed_previous_secret: str


class Outcome(NamedTuple):
    """What came of one call.  `status` is the HTTP status, None when there was no answer."""

    claimed: Claimed
    status: int | None
    error: str

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


# Turn by turn between endpoints, found by skipping through the index.  One that fails gets one call at a time and a
# pause after each, so that it can't hold up others however much waits for it.
_CLAIM = """
WITH RECURSIVE waiting AS (
    (SELECT endpoint_id FROM hooks_webhookdelivery WHERE status = 'waiting' ORDER BY endpoint_id LIMIT 1)
    UNION ALL
    SELECT (SELECT d.endpoint_id FROM hooks_webhookdelivery d
        WHERE d.status = 'waiting' AND d.endpoint_id > waiting.endpoint_id ORDER BY d.endpoint_id LIMIT 1)
    FROM waiting WHERE waiting.endpoint_id IS NOT NULL
),
turns AS (
    SELECT e.id, CASE WHEN e.failures > 0 THEN 1 ELSE %(each)s END - coalesce(busy.calls, 0) AS room,
        count(*) OVER () AS how_many
    FROM waiting JOIN hooks_webhookendpoint e ON e.id = waiting.endpoint_id
        LEFT JOIN unnest(%(busy)s::uuid[], %(calls)s::int[]) busy(id, calls) ON busy.id = e.id
    WHERE e.is_active AND e.removed_at IS NULL AND (e.paused_until IS NULL OR e.paused_until <= clock_timestamp())
        AND coalesce(busy.calls, 0) < CASE WHEN e.failures > 0 THEN 1 ELSE %(each)s END
),
picked AS (
    SELECT ripe.id FROM (SELECT * FROM turns ORDER BY random()) turns CROSS JOIN LATERAL (
        SELECT d.id FROM hooks_webhookdelivery d
        WHERE d.endpoint_id = turns.id AND d.status = 'waiting' AND d.due_at <= clock_timestamp()
        ORDER BY d.due_at LIMIT least(turns.room, greatest(1, %(limit)s / turns.how_many))
        FOR UPDATE SKIP LOCKED
    ) ripe LIMIT %(limit)s
)
UPDATE hooks_webhookdelivery d SET due_at = clock_timestamp() + %(lease)s, lease_until = clock_timestamp() + %(lease)s,
    tries = d.tries + 1
FROM picked, hooks_webhookendpoint e
WHERE d.id = picked.id AND e.id = d.endpoint_id
RETURNING d.id, d.lease_until, d.endpoint_id, d.organisation_id, d.message_id, d.event, d.tries, d.give_up_at, e.url,
    e.sealed_secret, CASE WHEN e.previous_secret_until > now() THEN e.sealed_previous_secret ELSE '' END
"""

_RECORD = """
UPDATE hooks_webhookdelivery d SET
    status = CASE WHEN u.ok THEN 'done' WHEN clock_timestamp() + u.pause >= d.give_up_at THEN 'failed' ELSE 'waiting' END,
    done_at = CASE WHEN u.ok THEN clock_timestamp() END,
    due_at = clock_timestamp() + u.pause, lease_until = NULL, last_status = u.http, last_error = u.error
FROM unnest(%(ids)s::uuid[], %(leases)s::timestamptz[], %(oks)s::boolean[], %(https)s::smallint[], %(errors)s::text[],
    %(pauses)s::interval[]) u(id, lease, ok, http, error, pause)
WHERE d.id = u.id AND d.lease_until = u.lease
"""

# order by id: two processes that note outcomes of the same endpoints must meet them in the same order
_HEALTH = """
WITH u AS (SELECT * FROM unnest(%(ids)s::uuid[], %(oks)s::boolean[]) u(id, ok)),
locked AS (SELECT e.id, u.ok FROM hooks_webhookendpoint e JOIN u ON u.id = e.id
    WHERE NOT u.ok OR e.failures > 0 ORDER BY e.id FOR UPDATE OF e)
UPDATE hooks_webhookendpoint e SET
    failures = CASE WHEN locked.ok THEN 0 ELSE e.failures + 1 END,
    failing_since = CASE WHEN locked.ok THEN NULL ELSE coalesce(e.failing_since, now()) END,
    paused_until = CASE WHEN locked.ok THEN NULL
        ELSE clock_timestamp() + make_interval(secs => least(power(2, least(e.failures + 1, 10)), %(longest)s)) END
FROM locked WHERE e.id = locked.id
"""

_RIPE = """
SELECT EXISTS (SELECT FROM hooks_webhookendpoint e WHERE e.is_active AND e.removed_at IS NULL
    AND (e.paused_until IS NULL OR e.paused_until <= now()) AND EXISTS (
        SELECT FROM hooks_webhookdelivery d WHERE d.endpoint_id = e.id AND d.status = 'waiting' AND d.due_at <= now()))
"""


def claim(*, limit: int, busy: Mapping[UUID, int]) -> list[Claimed]:
    """Up to `limit` ripe events, ours for a minute.  `busy` says how many calls to each endpoint are under way here."""
    return records(
        Claimed,
        _CLAIM,
        {
            "limit": limit,
            "each": CALLS_AN_ENDPOINT,
            "busy": [str(id) for id in busy],
            "calls": list(busy.values()),
            "lease": LEASE,
        },
    )


@transaction.atomic
def record(outcomes: Sequence[Outcome]) -> None:
    """Write down what came of calls.  An event whose lease has passed to somebody else is theirs to write."""
    run(
        _RECORD,
        {
            "ids": [str(one.claimed.id) for one in outcomes],
            "leases": [one.claimed.lease_until for one in outcomes],
            "oks": [one.is_success for one in outcomes],
            "https": [one.status for one in outcomes],
            "errors": ["".join(c if c.isprintable() else "?" for c in one.error[:200]) for one in outcomes],
            "pauses": [pause_after(one.claimed.tries) for one in outcomes],
        },
    )
    health: dict[UUID, bool] = {}
    for one in outcomes:
        health[one.claimed.endpoint_id] = health.get(one.claimed.endpoint_id, False) or one.is_success
    run(_HEALTH, {"ids": [str(id) for id in health], "oks": list(health.values()), "longest": LONGEST_BREAK})


def is_anything_ripe() -> bool:
    return rows(_RIPE)[0][0]
