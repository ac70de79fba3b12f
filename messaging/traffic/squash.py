"""Squashing: many small deltas become one row a key, and no sum changes at any moment anybody looks."""

from kit import tenancy
from kit.sql import rows

from .sums import COLUMNS, FIGURES, IS_FIGURE, SUMS, alone

#: So many deltas a statement; a busy minute takes several.
BATCH = 5_000

_KEY = "organisation_id, hour, campaign_id, channel_id, country, category, currency, status, error_code"

# Taking the deltas away, taking away what an earlier pass made of the same keys, putting their sum back and adding what came
# late to the sums of hours and days is one statement: every reader sees the rows before it or the row after it.
_SQUASH = f"""
WITH fresh AS (
    DELETE FROM engine_trafficcount WHERE id = ANY(ARRAY(
        SELECT id FROM engine_trafficcount WHERE NOT is_squashed ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
    )) RETURNING *
),
kept AS (
    DELETE FROM engine_trafficcount t USING (SELECT DISTINCT {_KEY} FROM fresh) k
    WHERE t.is_squashed AND t.organisation_id = k.organisation_id AND t.hour = k.hour
        AND t.campaign_id IS NOT DISTINCT FROM k.campaign_id AND t.channel_id = k.channel_id AND t.country = k.country
        AND t.category = k.category AND t.currency = k.currency AND t.status = k.status AND t.error_code = k.error_code
    RETURNING t.*
),
squashed AS (
    INSERT INTO engine_trafficcount ({_KEY}, messages, segments, amount, latency_ms, is_squashed)
    SELECT {_KEY}, sum(messages), sum(segments), sum(amount), sum(latency_ms), true
    FROM (SELECT * FROM fresh UNION ALL SELECT * FROM kept) AS both_of_them GROUP BY {_KEY}
),
late AS (
    INSERT INTO traffic_trafficsum AS old ({COLUMNS})
    SELECT organisation_id, unit, date_trunc(unit, hour, 'UTC'), channel_id, {SUMS} FROM (
        SELECT organisation_id, unit, hour, channel_id, {FIGURES} FROM fresh
        CROSS JOIN (VALUES ('hour', interval '1 hour'), ('day', interval '1 day')) units (unit, length)
        WHERE {IS_FIGURE} AND date_trunc(unit, hour, 'UTC') + length <= (SELECT summed_before FROM traffic_sumprogress)
    ) counts GROUP BY 1, 2, 3, 4
    ON CONFLICT (organisation_id, unit, begins_at, channel_id) DO UPDATE SET accepted = old.accepted + excluded.accepted,
        delivered = old.delivered + excluded.delivered, failed = old.failed + excluded.failed,
        spent = old.spent + excluded.spent, latency_ms = old.latency_ms + excluded.latency_ms
)
SELECT count(*) FROM fresh
"""  # noqa: S608  only our own column names


def squash() -> int:
    """Squash the deltas there are; how many there were.  Somebody else at it: none, they do it."""
    total = 0
    while taken := _squash_batch():
        total += taken
        if taken < BATCH:
            break
    return total


def _squash_batch() -> int:
    with tenancy.as_engine():
        if not alone():
            return 0
        ((taken,),) = rows(_SQUASH, [BATCH])
        return taken
