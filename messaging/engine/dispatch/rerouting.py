"""Leading what waits around a carrier in trouble: to the next route that serves its destination, where there is one.

Only what is in the queue and in nobody's hands is moved: a claimed message may have left.  What it costs stays what its quote
says.  What no other route serves waits for its own.
"""

import time
from uuid import UUID

from kit import tenancy
from kit.sql import array, rows, text_array
from messaging.channels.breakers import avoided_channels
from messaging.channels.queries import other_routes
from messaging.engine.journal import note

from .holding import NEVER

BATCH = 1_000
#: What one pass takes at most; the next one goes on.
MOST_BATCHES = 20
#: A pass that found nothing to move is not made again for so many times as long as it took.
REST_FACTOR = 50

# In the order of the queue's index.  A row somebody is just taking or writing is passed over, and so never waited for.
_PICK = f"""
SELECT q.message_id, best.channel FROM engine_queueentry q JOIN engine_message m ON m.id = q.message_id
CROSS JOIN LATERAL (
    SELECT r.channel FROM route r WHERE r.country IN ('', m.country) AND r.category IN ('', m.category)
    ORDER BY r.place LIMIT 1
) best
WHERE q.channel_id = %(channel)s AND q.due_at < '{NEVER}' AND m.status = 20 AND NOT m.is_test
ORDER BY q.lane, q.organisation_id, q.due_at LIMIT %(limit)s FOR UPDATE OF q, m SKIP LOCKED
"""

# Accepted messages are counted where they were accepted, by channel: the deltas take them from one to the other.
_MOVE = f"""
WITH route AS MATERIALIZED (
    SELECT * FROM unnest(%(countries)s::text[], %(categories)s::text[], %(channels)s::uuid[])
        WITH ORDINALITY r(country, category, channel, place)
),
picked AS MATERIALIZED ({_PICK}),
moved AS (
    UPDATE engine_message m SET channel_id = picked.channel FROM picked WHERE m.id = picked.message_id
    RETURNING m.id, m.organisation_id, m.campaign_id, m.channel_id, m.country, m.category, m.currency, m.segments, m.price
),
led AS (
    UPDATE engine_queueentry q SET channel_id = picked.channel, due_at = least(q.due_at, now())
    FROM picked WHERE q.message_id = ANY(ARRAY(SELECT message_id FROM picked)) AND q.message_id = picked.message_id
),
counted AS (
    INSERT INTO engine_trafficcount (organisation_id, hour, campaign_id, channel_id, country, category, currency, status,
        error_code, messages, segments, amount, latency_ms, is_squashed)
    SELECT organisation_id, date_trunc('hour', uuid_extract_timestamp(id)), campaign_id, side.channel, country, category,
        currency, 20, '', sum(side.sign), sum(side.sign * segments), sum(side.sign * price), 0, false
    FROM moved CROSS JOIN LATERAL (VALUES (%(channel)s::uuid, -1), (moved.channel_id, 1)) side(channel, sign)
    GROUP BY organisation_id, 2, campaign_id, side.channel, country, category, currency
)
SELECT channel_id, array_agg(id) FROM moved GROUP BY channel_id
"""

_not_before: dict[UUID, float] = {}


def reroute_waiting() -> int:
    """Lead what waits for carriers in trouble to other channels, and ring for those; how many messages there were."""
    return sum(
        reroute(channel_id) for channel_id in avoided_channels() if _not_before.get(channel_id, 0) < time.monotonic()
    )


def reroute(channel_id: UUID) -> int:
    """The same for one channel, in batches of one statement each."""
    began, moved = time.monotonic(), 0
    for _ in range(MOST_BATCHES):
        batch = _reroute_batch(channel_id)
        moved += batch
        if batch < BATCH:
            break
    now = time.monotonic()
    _not_before[channel_id] = 0 if moved else now + REST_FACTOR * (now - began)
    return moved


def _reroute_batch(channel_id: UUID) -> int:
    from messaging.engine.bell import ring
    from messaging.engine.tasks import drain_channel

    with tenancy.as_engine():
        routes = other_routes(channel_id)
        if not routes:
            return 0
        moved = rows(
            _MOVE,
            {
                "channel": channel_id,
                "limit": BATCH,
                "countries": text_array([route.country for route in routes]),
                "categories": text_array([route.category for route in routes]),
                "channels": array([route.channel_id for route in routes]),
            },
        )
    for target, ids in moved:
        note("rerouted", ids, channel=target, instead_of=channel_id)
        ring(drain_channel, target)
    return sum(len(ids) for _, ids in moved)
