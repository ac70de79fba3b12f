"""Days that are over, summed up: what each seller earned by each customer, and what each account spent.

Read from what was written for good: transfers, commission entries and settlements are only ever added, with the time at which
their transaction began, a settlement with that of its worker's clock.  So a day that is over and whose transactions have
ended stays as it was summed.
"""

import logging
from datetime import datetime, timedelta

from kit import tenancy
from kit.ids import first_id_at
from kit.sql import rows, run
from messaging.engine.states import Status

log = logging.getLogger(__name__)

DAY = timedelta(days=1)
#: For so long after its end a day is left open: no transaction lives longer, and no two clocks of a house differ by more.
OPEN_FOR = timedelta(hours=1)
#: Ids are made a little before or after the time that is written down, by another clock.  Sums stay, so they look further.
LEEWAY, LEEWAY_OF_SUMS = timedelta(hours=1), DAY
#: The time before the first sums is made up for by so many days at once: its worker has others to serve.
MOST_DAYS = 20
_LOCK = 7_141_004

# What an `earner` got within a `span`: its part of delivered messages, as the ledger has it, and its commission.  Step by
# step, each with OFFSET 0: behind row-level security PostgreSQL expects to see next to nobody, and would look through
# everybody's transfers for each.
_EARNED = """
SELECT t.organisation_id AS customer_id, t.currency, {segments} AS segments, t.amount AS margin,
    0 AS on_traffic, 0 AS on_packages, 0 AS taken_back
FROM (
    SELECT id, CASE kind WHEN 'margin' THEN 'margin' ELSE 'settle' END AS reason FROM ledger_account
    WHERE organisation_id = earner.id AND kind IN ('margin', 'revenue') OFFSET 0
) pot CROSS JOIN LATERAL (
    SELECT organisation_id, currency, amount, subject FROM ledger_transfer
    WHERE target_id = pot.id AND reason = pot.reason AND id >= span.first_id AND id < span.end_id
        AND created_at >= span.since AND created_at < span.until OFFSET 0
) t {settlements}
UNION ALL
SELECT customer_id, currency, 0, 0, CASE sale WHEN 'settlement' THEN amount ELSE 0 END,
    CASE sale WHEN 'purchase' THEN amount ELSE 0 END, CASE sale WHEN 'refund' THEN amount ELSE 0 END
FROM (
    SELECT *, split_part(sale_reference, ':', 1) AS sale FROM agents_commissionentry e
    WHERE e.organisation_id = earner.id AND e.earned_at >= span.since AND e.earned_at < span.until OFFSET 0
) entries
"""
#: Settlements are asked for their segments alone; the money is the transfers'.
EARNED = _EARNED.format(
    segments="coalesce(s.segments, 0)",
    settlements="""LEFT JOIN LATERAL (
    SELECT segments FROM engine_settlement WHERE id =
        CASE split_part(t.subject, ':', 1) WHEN 'settlement' THEN split_part(t.subject, ':', 2)::uuid END OFFSET 0
) s ON true""",
)
#: The same for who does not ask for segments.
EARNED_MONEY = _EARNED.format(segments="0", settlements="")
#: What a `payer`'s delivered messages were, and cost it, within a `span`.  Its own are asked for twice over: where one account
#: sends most, the first says nothing to PostgreSQL, which would look through everybody's of the span for each payer.
SPENT = f"""
SELECT messages, segments, amount FROM engine_settlement
WHERE organisation_id = payer.id AND organisation_id BETWEEN payer.id AND payer.id AND status = {Status.DELIVERED:d}
    AND id >= span.first_id AND id < span.end_id AND created_at >= span.since AND created_at < span.until
OFFSET 0
"""  # noqa: S608  a number of our own
#: The sums of both, of rows that have them.
MONEY_EARNED = "sum(margin)::bigint, sum(on_traffic)::bigint, sum(on_packages)::bigint, sum(taken_back)::bigint"
SPENDING = "sum(messages)::bigint, sum(segments)::bigint, sum(amount)::bigint"

_SPAN = (
    "(SELECT %(since)s::timestamptz AS since, %(until)s::timestamptz AS until,"
    " %(first_id)s::uuid AS first_id, %(end_id)s::uuid AS end_id) span"
)
_SUM_EARNED = f"""
INSERT INTO agents_earningsum (organisation_id, is_total, begins_at, customer_id, currency,
    segments, margin, on_traffic, on_packages, taken_back)
SELECT earner.id, grouping(customer_id) = 1, span.since,
    CASE grouping(customer_id) WHEN 1 THEN earner.id ELSE customer_id END, currency, sum(segments)::bigint, {MONEY_EARNED}
FROM {_SPAN} CROSS JOIN (
    SELECT DISTINCT organisation_id AS id FROM ledger_account WHERE kind IN ('margin', 'revenue', 'commission')
) earner CROSS JOIN LATERAL ({EARNED}) earned
GROUP BY GROUPING SETS ((earner.id, span.since, currency, customer_id), (earner.id, span.since, currency))
"""  # noqa: S608  only our own words
_SUM_SPENT = f"""
INSERT INTO agents_spendingsum (organisation_id, begins_at, messages, segments, amount)
SELECT payer.id, span.since, {SPENDING}
FROM {_SPAN} CROSS JOIN accounts_organisation payer CROSS JOIN LATERAL ({SPENT}) spent GROUP BY 1, 2
"""  # noqa: S608  the same
_PROGRESS = (
    "SELECT summed_before, date_trunc('day', now() - %s, 'UTC') FROM (SELECT) one LEFT JOIN agents_sumprogress ON true"
)
_FIRST = """
SELECT date_trunc('day', min(created_at) - %s, 'UTC') FROM (
    (SELECT created_at FROM ledger_transfer ORDER BY id LIMIT 1)
    UNION ALL (SELECT created_at FROM engine_settlement ORDER BY id LIMIT 1)
) firsts
"""
_NOTE = """
INSERT INTO agents_sumprogress (id, summed_before) VALUES (1, %s)
ON CONFLICT (id) DO UPDATE SET summed_before = excluded.summed_before
"""


def sum_up() -> None:
    """Sum up the days that are over.  Somebody else at it: they do it."""
    for _day in range(MOST_DAYS):
        if not _sum_next():
            return


def sum_again() -> None:
    """Forget all sums: they are made again by and by, and read from the rows meanwhile.

    Raises OperationalError when somebody else sums for longer than the connection waits for a lock.
    """
    with tenancy.as_engine():
        rows("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        _forget(None)


def _sum_next() -> bool:
    """Sum up the next day that is over; whether there are more.  Its sums and the progress change at once."""
    with tenancy.as_engine():
        ((is_ours,),) = rows("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not is_ours:
            return False
        ((noted, last),) = rows(_PROGRESS, [OPEN_FOR])
        if noted and noted > last:  # the clock was ahead: what was summed as over was not
            log.warning("days from %s on were summed before they were over; their sums are forgotten", last)
            _forget(last)
            return False
        since = noted or _first() or last
        until = since + DAY
        if until > last:
            return False
        span = {
            "since": since,
            "until": until,
            "first_id": first_id_at(since - LEEWAY_OF_SUMS),
            "end_id": first_id_at(until + LEEWAY_OF_SUMS),
        }
        run(_SUM_EARNED, span)
        run(_SUM_SPENT, span)
        run(_NOTE, [until])
        return until < last


def _forget(since: datetime | None) -> None:
    for table in ("agents_earningsum", "agents_spendingsum"):
        run(f"DELETE FROM {table} WHERE begins_at >= coalesce(%s, '-infinity'::timestamptz)", [since])  # noqa: S608
    if since:
        run("UPDATE agents_sumprogress SET summed_before = least(summed_before, %s)", [since])
    else:
        run("DELETE FROM agents_sumprogress")


def _first() -> datetime | None:
    ((first,),) = rows(_FIRST, [LEEWAY_OF_SUMS])
    return first
