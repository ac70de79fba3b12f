"""What the traffic deltas say.  Exact at every moment; each function is one query in the caller's scope."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils import timezone

from accounts.models import Organisation
from kit.money import Micros
from kit.reports import read_report
from kit.sql import rows
from messaging.engine.states import FIRST_FINAL, Status

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
    """The same for several spans, in the order they are asked for."""
    within = " OR ".join(["(hour >= %s AND hour < %s)"] * len(spans))
    found = _long_tallies("hour", f"organisation_id = %s AND ({within})", [organisation.pk, *chain(*spans)])
    return [{hour: tally for hour, tally in found.items() if first <= hour < last} for first, last in spans]


def tallies_by_country(organisation: Organisation, first: datetime, last: datetime) -> dict[str, Tally]:
    """What happened for each destination, the busiest first."""
    found = _long_tallies("country", f"organisation_id = %s AND {_WITHIN}", [organisation.pk, first, last])
    return dict(sorted(found.items(), key=lambda place: (-place[1].accepted, place[0])))


def tallies_by_channel(first: datetime, last: datetime) -> dict[UUID, Tally]:
    """What went by each channel, of every organisation in the scope."""
    return _tallies("channel_id", _WITHIN, [first, last])


def tallies_by_organisation(first: datetime, last: datetime) -> dict[UUID, Tally]:
    """What each organisation in the scope sent."""
    return _long_tallies("organisation_id", _WITHIN, [first, last])


def in_flight(organisation: Organisation) -> int:
    """Messages accepted and not yet final.  Older ones than their validity are final, so older counts cancel out."""
    since = timezone.now() - timedelta(hours=settings.MESSAGE_VALIDITY_HOURS + 24)
    [(flying,)] = rows(_IN_FLIGHT, [int(Status.QUEUED), FIRST_FINAL, organisation.pk, since])
    return max(0, flying)


_IN_FLIGHT = """
    SELECT coalesce(sum(messages) FILTER (WHERE status = %s), 0) - coalesce(sum(messages) FILTER (WHERE status >= %s), 0)
    FROM engine_trafficcount WHERE organisation_id = %s AND hour >= %s
"""


def _long_tallies(key: str, where: str, parameters: list[Any]) -> dict:
    """Of weeks and of whole trees: a report, which a replica may answer."""
    return read_report(lambda database: _tallies(key, where, parameters, database=database))


def _tallies(key: str, where: str, parameters: list[Any], *, database: str = DEFAULT_DB_ALIAS) -> dict:
    """By hand: a dashboard asks three times, and the ORM takes longer to write the question than the answer takes."""
    with connections[database].cursor() as cursor:
        cursor.execute(_COUNTS.format(key=key, where=where), parameters)
        found = cursor.fetchall()
    tallies = defaultdict(Tally)
    for name, status, messages, amount, latency_ms in found:
        tallies[name] += _tally(status, messages, amount, latency_ms)
    return dict(tallies)


_WITHIN = "hour >= %s AND hour < %s"
_COUNTS = """
    SELECT {key}, status, sum(messages)::bigint, sum(amount)::bigint, sum(latency_ms)::bigint FROM engine_trafficcount
    WHERE {where} GROUP BY {key}, status
"""


def _tally(status: int, messages: int, amount: int, latency_ms: int) -> Tally:
    if status == Status.QUEUED:
        return Tally(accepted=messages)
    if status == Status.DELIVERED:
        return Tally(delivered=messages, spent=Micros(amount), latency_ms=latency_ms)
    return Tally(failed=messages) if status >= FIRST_FINAL else Tally()
