"""Hours and days that are over, summed up: what squashing leaves of them is still a row for each campaign, country and reason.

A sum holds the squashed counts of its hour or day, at every commit: those there were when it was made, and those squashed
later (`squash.py`).  So whoever adds to the sums what is not squashed yet has it all.
"""

from datetime import datetime, timedelta

from kit import tenancy
from kit.sql import rows, run
from messaging.engine.states import FIRST_FINAL, Status

#: For so long after its end an hour is left open.  A count comes later than that only out of a longer transaction; it is
#: added all the same, but not by a worker of the release before, which knows no sums and may run for as long as a deploy takes.
OPEN_FOR = timedelta(hours=1)
#: The time before the first sums is made up for by so many days at once.
MOST_DAYS = 150
_LOCK = 7_141_003

#: What one traffic count adds to a sum, and which of them add anything.
FIGURES = f"""
    CASE WHEN status = {Status.QUEUED:d} THEN messages ELSE 0 END AS accepted,
    CASE WHEN status = {Status.DELIVERED:d} THEN messages ELSE 0 END AS delivered,
    CASE WHEN status > {Status.DELIVERED:d} THEN messages ELSE 0 END AS failed,
    CASE WHEN status = {Status.DELIVERED:d} THEN amount ELSE 0 END AS spent,
    CASE WHEN status = {Status.DELIVERED:d} THEN latency_ms ELSE 0 END AS latency_ms
"""
IS_FIGURE = f"(status = {Status.QUEUED:d} OR status >= {FIRST_FINAL:d})"
#: The sums of both, of rows that have them.
SUMS = "sum(accepted)::bigint, sum(delivered)::bigint, sum(failed)::bigint, sum(spent)::bigint, sum(latency_ms)::bigint"
COLUMNS = "organisation_id, unit, begins_at, channel_id, accepted, delivered, failed, spent, latency_ms"

_PROGRESS = (
    "SELECT summed_before, date_trunc('hour', now() - %s) FROM (SELECT) one LEFT JOIN traffic_sumprogress ON true"
)
# Organisation by organisation: counts are found by organisation and hour, and nobody else's time is looked at.
_FIRST = """
SELECT min(date_trunc('day', first.hour, 'UTC')) FROM accounts_organisation o CROSS JOIN LATERAL (
    SELECT hour FROM engine_trafficcount t WHERE t.organisation_id = o.id ORDER BY hour LIMIT 1
) first
"""
_SUM_HOURS = f"""
INSERT INTO traffic_trafficsum ({COLUMNS})
SELECT o.id, 'hour', hour, channel_id, {SUMS} FROM accounts_organisation o CROSS JOIN LATERAL (
    SELECT hour, channel_id, {FIGURES} FROM engine_trafficcount t
    WHERE t.organisation_id = o.id AND hour >= %(since)s AND hour < %(until)s AND is_squashed AND {IS_FIGURE}
) counts GROUP BY 1, 2, 3, 4
"""  # noqa: S608  only our own column names
_SUM_DAYS = f"""
INSERT INTO traffic_trafficsum ({COLUMNS})
SELECT o.id, 'day', date_trunc('day', begins_at, 'UTC'), channel_id, {SUMS}
FROM accounts_organisation o CROSS JOIN LATERAL (
    SELECT * FROM traffic_trafficsum s WHERE s.organisation_id = o.id AND s.unit = 'hour'
        AND begins_at >= date_trunc('day', %(since)s, 'UTC') AND begins_at < date_trunc('day', %(until)s, 'UTC')
) hours GROUP BY 1, 2, 3, 4
"""  # noqa: S608  the same
_NOTE = """
INSERT INTO traffic_sumprogress (id, summed_before) VALUES (1, %s)
ON CONFLICT (id) DO UPDATE SET summed_before = excluded.summed_before
"""


def sum_up() -> None:
    """Sum up the hours that are over, a day at a time.  Somebody else at it: they do it."""
    for _day in range(MOST_DAYS):
        if not _sum_next():
            return


def alone() -> bool:
    """Whether nobody else squashes or sums until the transaction ends.

    Two squashing at once would stay exact but could leave two rows of a key.  A sum made while another takes late counts
    in would miss them: neither would see the other.
    """
    ((is_ours,),) = rows("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
    return is_ours


def _sum_next() -> bool:
    """Sum up to the end of a day, or of what is over; whether there is more.  Hours, days and progress change at once."""
    with tenancy.as_engine():
        if not alone():
            return False
        ((noted, last),) = rows(_PROGRESS, [OPEN_FOR])
        since = noted or _first() or last
        until = min(last, since + timedelta(days=1))
        if noted and until <= noted:
            return False
        run(_SUM_HOURS, {"since": since, "until": until})
        run(_SUM_DAYS, {"since": since, "until": until})
        run(_NOTE, [until])
        return until < last


def _first() -> datetime | None:
    ((first,),) = rows(_FIRST)
    return first
