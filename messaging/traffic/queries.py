"""What the traffic deltas say.  Exact at every moment; each function is one query in the caller's scope."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from accounts.models import Organisation
from kit.money import Micros
from kit.reports import read_report
from messaging.engine.models import TrafficCount
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


def tallies_by_hour(organisation: Organisation, first: datetime, last: datetime) -> dict[datetime, Tally]:
    """What happened in each hour from `first` up to `last`; hours without traffic are missing."""
    return tallies_of_spans(organisation, (first, last))[0]


def tallies_of_spans(organisation: Organisation, *spans: Span) -> list[dict[datetime, Tally]]:
    """The same for several spans, in the order they are asked for."""
    within = reduce(or_, (Q(hour__gte=first, hour__lt=last) for first, last in spans))
    found = _long_tallies(TrafficCount.objects.filter(within, organisation=organisation), "hour")
    return [{hour: tally for hour, tally in found.items() if first <= hour < last} for first, last in spans]


def tallies_by_country(organisation: Organisation, first: datetime, last: datetime) -> dict[str, Tally]:
    """What happened for each destination, the busiest first."""
    found = _long_tallies(counts_of(organisation, first, last), "country")
    return dict(sorted(found.items(), key=lambda place: (-place[1].accepted, place[0])))


def tallies_by_channel(first: datetime, last: datetime) -> dict[UUID, Tally]:
    """What went by each channel, of every organisation in the scope."""
    return _tallies(TrafficCount.objects.filter(hour__gte=first, hour__lt=last), "channel_id")


def tallies_by_organisation(first: datetime, last: datetime) -> dict[UUID, Tally]:
    """What each organisation in the scope sent."""
    return _long_tallies(TrafficCount.objects.filter(hour__gte=first, hour__lt=last), "organisation_id")


def in_flight(organisation: Organisation) -> int:
    """Messages accepted and not yet final.  Older ones than their validity are final, so older counts cancel out."""
    since = timezone.now() - timedelta(hours=settings.MESSAGE_VALIDITY_HOURS + 24)
    found = TrafficCount.objects.filter(organisation=organisation, hour__gte=since).aggregate(
        accepted=Sum("messages", filter=Q(status=Status.QUEUED)),
        final=Sum("messages", filter=Q(status__gte=FIRST_FINAL)),
    )
    return max(0, (found["accepted"] or 0) - (found["final"] or 0))


def counts_of(organisation: Organisation, first: datetime, last: datetime) -> QuerySet[TrafficCount]:
    return TrafficCount.objects.filter(organisation=organisation, hour__gte=first, hour__lt=last)


def _long_tallies(counts: QuerySet[TrafficCount], key: str) -> dict:
    """Of weeks and of whole trees: a report, which a replica may answer."""
    return read_report(lambda database: _tallies(counts.using(database), key))


def _tallies(counts: QuerySet[TrafficCount], key: str) -> dict:
    found = counts.values(key, "status").annotate(
        messages=Sum("messages"), amount=Sum("amount"), latency_ms=Sum("latency_ms")
    )
    tallies = defaultdict(Tally)
    for row in found:
        tallies[row[key]] += _tally(row)
    return dict(tallies)


def _tally(row: dict) -> Tally:
    status, messages = row["status"], row["messages"]
    if status == Status.QUEUED:
        return Tally(accepted=messages)
    if status == Status.DELIVERED:
        return Tally(delivered=messages, spent=Micros(row["amount"]), latency_ms=row["latency_ms"])
    return Tally(failed=messages) if status >= FIRST_FINAL else Tally()
