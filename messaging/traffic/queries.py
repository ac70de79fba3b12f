"""What the traffic counts say.  Exact at every moment; each function is one query in the caller's scope."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils import timezone

from accounts.models import Organisation
from kit.money import Micros
from kit.reports import read_report

from .sums import FIGURES, IS_FIGURE, SUMS

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Tally:
    """Messages by what became of them.  `spent` is what the delivered ones cost, `latency_ms` their time in all."""

    accepted: int = 0
    delivered: int = 0
    failed: int = 0
    spent: Micros = Micros(0)
    latency_ms: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.accepted + other.accepted,
            self.delivered + other.delivered,
            self.failed + other.failed,
            Micros(self.spent + other.spent),
            self.latency_ms + other.latency_ms,
        )

    @property
    def final(self) -> int:
        return self.delivered + self.failed

    @property
    def mean_latency_ms(self) -> int | None:
        """Time from acceptance to delivery on average; None while nothing was delivered."""
        return self.latency_ms // self.delivered if self.delivered else None


def total(tallies: Iterable[Tally]) -> Tally:
    return sum(tallies, Tally())


def tallies_of_spans(organisation: Organisation, *spans: Span) -> list[dict[datetime, Tally]]:
    """What happened in each hour of several spans, in the order they are asked for."""
    found = _long_tallies("hour", *spans, organisation=organisation, by_days=False)
    tallies: list[dict[datetime, Tally]] = [{} for _span in spans]
    for span, hour, tally in found:
        tallies[span - 1][hour] = tally
    return tallies


def tallies_by_country(organisation: Organisation, first: datetime, last: datetime) -> dict[str, Tally]:
    """What happened for each destination, the busiest first."""
    parameters = [organisation.pk, first, last]
    found = read_report(lambda database: _ask(_BY_COUNTRY, parameters, database=database))
    tallies = {country: Tally(*figures) for country, *figures in found}
    return dict(sorted(tallies.items(), key=lambda place: (-place[1].accepted, place[0])))


def tallies_by_channel(first: datetime, last: datetime) -> dict[UUID, Tally]:
    """What went by each channel, of every organisation in the scope."""
    return {channel: tally for _span, channel, tally in _tallies("channel_id", (first, last))}


def tallies_by_organisation(first: datetime, last: datetime) -> dict[UUID, Tally]:
    """What each organisation in the scope sent."""
    return {owner: tally for _span, owner, tally in _long_tallies("organisation_id", (first, last))}


def in_flight(organisation: Organisation) -> int:
    """Messages accepted and not yet final.  Older ones than their validity are final, so older counts cancel out."""
    now, validity = timezone.now(), timedelta(hours=settings.MESSAGE_VALIDITY_HOURS)
    since, until = now - validity - timedelta(hours=24), now + timedelta(hours=1)
    found = total(tally for *_key, tally in _tallies("organisation_id", (since, until), organisation=organisation))
    return max(0, found.accepted - found.final)


# Days that are summed and wholly within a span are read as such, and what is left of it at both ends by the hour; what is not
# summed yet, and what was counted late and is not squashed yet, from the counts themselves.  One statement, so that squashing and
# summing up change nothing for it.  Organisation by organisation: that is how the indexes are; the policies let it see no others.
_SUMMED = f"""
WITH spans AS MATERIALIZED (
    SELECT span, first, last, until, summed_before,
        CASE WHEN %(by_days)s AND first_day < until_day THEN first_day ELSE until END AS first_day,
        CASE WHEN %(by_days)s AND first_day < until_day THEN until_day ELSE until END AS until_day
    FROM (
        SELECT span, first, last, summed_before, least(last, summed_before) AS until,
            date_trunc('day', first + interval '1 day' - interval '1 microsecond', 'UTC') AS first_day,
            date_trunc('day', least(last, summed_before), 'UTC') AS until_day
        FROM unnest(%(firsts)s::timestamptz[], %(lasts)s::timestamptz[]) WITH ORDINALITY asked (first, last, span),
            (SELECT coalesce((SELECT summed_before FROM traffic_sumprogress), '-infinity') AS summed_before) progress
    ) days
),
late AS MATERIALIZED (
    SELECT organisation_id, hour, channel_id, {FIGURES} FROM engine_trafficcount WHERE NOT is_squashed AND {IS_FIGURE}
)
SELECT span, {{key}}, {SUMS} FROM (
    SELECT span, o.id AS organisation_id, found.* FROM spans CROSS JOIN ({{whose}}) o CROSS JOIN LATERAL (
        SELECT begins_at AS hour, channel_id, accepted, delivered, failed, spent, latency_ms FROM traffic_trafficsum s
        WHERE s.organisation_id = o.id AND unit = 'day' AND begins_at >= first_day AND begins_at < until_day
        UNION ALL
        SELECT begins_at, channel_id, accepted, delivered, failed, spent, latency_ms FROM traffic_trafficsum s
        WHERE s.organisation_id = o.id AND unit = 'hour' AND begins_at >= first AND begins_at < first_day
        UNION ALL
        SELECT begins_at, channel_id, accepted, delivered, failed, spent, latency_ms FROM traffic_trafficsum s
        WHERE s.organisation_id = o.id AND unit = 'hour' AND begins_at >= until_day AND begins_at < until
        UNION ALL
        SELECT hour, channel_id, {FIGURES} FROM engine_trafficcount t
        WHERE t.organisation_id = o.id AND hour >= greatest(first, summed_before) AND hour < last AND {IS_FIGURE}
        UNION ALL
        SELECT hour, channel_id, accepted, delivered, failed, spent, latency_ms FROM late l
        WHERE l.organisation_id = o.id AND hour >= first AND hour < until
    ) found
) figures GROUP BY 1, 2
"""  # noqa: S608  only our own column names
_EVERYBODY = "SELECT id FROM accounts_organisation"
_BY_COUNTRY = f"""
SELECT country, {SUMS} FROM (
    SELECT country, {FIGURES} FROM engine_trafficcount
    WHERE organisation_id = %s AND hour >= %s AND hour < %s AND {IS_FIGURE}
) figures GROUP BY 1
"""  # noqa: S608  the same

Found = list[tuple[int, Any, Tally]]


def _long_tallies(key: str, *spans: Span, **how: Any) -> Found:
    """Of weeks and of whole trees: a report, which a replica may answer."""
    return read_report(lambda database: _tallies(key, *spans, **how, database=database))


def _tallies(
    key: str,
    *spans: Span,
    organisation: Organisation | None = None,
    by_days: bool = True,
    database: str = DEFAULT_DB_ALIAS,
) -> Found:
    """For each span, by its number from one, the tally of each key; of one organisation, or of all that the scope shows."""
    whose = "SELECT %(organisation)s::uuid AS id" if organisation else _EVERYBODY
    parameters = {
        "firsts": [first for first, _last in spans],
        "lasts": [last for _first, last in spans],
        "by_days": by_days,
        "organisation": organisation and organisation.pk,
    }
    found = _ask(_SUMMED.format(key=key, whose=whose), parameters, database=database)
    return [(span, name, Tally(*figures)) for span, name, *figures in found]


def _ask(statement: str, parameters: Any, *, database: str) -> list[tuple]:
    """By hand: a dashboard asks three times, and the ORM takes longer to write the question than the answer takes."""
    with connections[database].cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()
