"""What an agent earned in a month, by customer.  Margin is read from the ledger itself, commission from its entries,
which are one with their transfers: so the totals are the ledger's, to the micro.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q, Sum
from django.db.models.functions import TruncMonth

from accounts.models import Organisation
from agents.models import CommissionEntry
from agents.rules.months import Month
from billing.ledger.models import Account, Reason, Transfer
from kit.ids import first_id_at
from kit.sql import records


@dataclass(slots=True)
class Line:
    """What one customer brought the agent in a month, in one currency.  `taken_back` is zero or below."""

    customer_id: UUID
    name: str
    currency: str
    segments: int = 0
    margin: int = 0
    on_traffic: int = 0
    on_packages: int = 0
    taken_back: int = 0

    @property
    def packages_kept(self) -> int:
        """Commission on packages less what refunds took back."""
        return self.on_packages + self.taken_back

    @property
    def commission(self) -> int:
        return self.on_traffic + self.packages_kept

    @property
    def total(self) -> int:
        return self.margin + self.commission


@dataclass(frozen=True, slots=True)
class Statement:
    """One month of one agent.  `totals` has one line for each currency anything was earned in."""

    agent: Organisation
    month: Month
    begin: datetime
    end: datetime
    lines: list[Line]
    totals: list[Line]


@dataclass(frozen=True, slots=True)
class MonthTotal:
    month: Month
    margin: int
    commission: int

    @property
    def total(self) -> int:
        return self.margin + self.commission


class _Margin(NamedTuple):
    customer_id: UUID
    currency: str
    amount: int
    segments: int


# Settlements are joined for their segments alone; the money is the transfers'.
_MARGINS = """
SELECT t.organisation_id, t.currency, sum(t.amount)::bigint, coalesce(sum(s.segments), 0)::bigint
FROM ledger_transfer t
JOIN ledger_account pot ON pot.id = t.target_id
LEFT JOIN engine_settlement s ON t.subject = 'settlement:' || s.id AND s.organisation_id = t.organisation_id
    AND s.id >= %(first_id)s AND s.id < %(end_id)s
WHERE pot.organisation_id = %(agent)s AND pot.kind = 'margin' AND t.reason = 'margin'
    AND t.id >= %(first_id)s AND t.id < %(end_id)s AND t.created_at >= %(begin)s AND t.created_at < %(end)s
GROUP BY t.organisation_id, t.currency
"""
#: Ids are made a little before or after the transaction's own time: wide enough to miss none.
_LEEWAY = timedelta(days=1)


def statement(agent: Organisation, month: Month) -> Statement:
    """The agent's month, by its own clock.  Runs in a downline scope that reaches the agent and what is below it."""
    begin, end = month.span(ZoneInfo(agent.time_zone))
    lines: dict[tuple[UUID, str], Line] = {}
    for margin in _margins(agent, begin, end):
        line = _line(lines, margin.customer_id, margin.currency)
        line.margin, line.segments = margin.amount, margin.segments
    for row in _commissions(agent, begin, end):
        line = _line(lines, row["customer_id"], row["currency"])
        line.on_traffic, line.on_packages, line.taken_back = row["on_traffic"], row["on_packages"], row["taken_back"]
    _name(lines.values())
    ordered = sorted(lines.values(), key=lambda line: (line.currency, -line.total, line.name, line.customer_id))
    return Statement(agent, month, begin, end, ordered, _totals(ordered))


def months_of(agent: Organisation, *, until: Month, count: int = 12) -> list[MonthTotal]:
    """The last months, the newest first, in the agent's own currency, as far back as anything was earned."""
    zone = ZoneInfo(agent.time_zone)
    months = [until]
    while len(months) < count:
        months.append(months[-1].previous)
    begin, end = months[-1].begin(zone), until.following.begin(zone)
    margins = _by_month(_margin_transfers(agent, begin, end).filter(currency=agent.currency), "created_at", zone)
    commissions = _by_month(_entries(agent, begin, end).filter(currency=agent.currency), "earned_at", zone)
    first = min([until, *margins, *commissions])
    return [MonthTotal(one, margins.get(one, 0), commissions.get(one, 0)) for one in months if one >= first]


def _margins(agent: Organisation, begin: datetime, end: datetime) -> list[_Margin]:
    return records(
        _Margin,
        _MARGINS,
        {
            "agent": agent.pk,
            "begin": begin,
            "end": end,
            "first_id": first_id_at(begin - _LEEWAY),
            "end_id": first_id_at(end + _LEEWAY),
        },
    )


def _margin_transfers(agent: Organisation, begin: datetime, end: datetime):
    return Transfer.objects.filter(
        target__organisation=agent,
        target__kind=Account.Kind.MARGIN,
        reason=Reason.MARGIN,
        id__gte=first_id_at(begin - _LEEWAY),
        created_at__gte=begin,
        created_at__lt=end,
    )


def _entries(agent: Organisation, begin: datetime, end: datetime):
    return CommissionEntry.objects.filter(organisation=agent, earned_at__gte=begin, earned_at__lt=end)


def _commissions(agent: Organisation, begin: datetime, end: datetime):
    def of(kind: str) -> Sum:
        return Sum("amount", filter=Q(sale_reference__startswith=f"{kind}:"), default=0)

    return (
        _entries(agent, begin, end)
        .values("customer_id", "currency")
        .annotate(on_traffic=of("settlement"), on_packages=of("purchase"), taken_back=of("refund"))
    )


def _by_month(rows, column: str, zone: ZoneInfo) -> dict[Month, int]:
    found = rows.annotate(at=TruncMonth(column, tzinfo=zone)).values_list("at").annotate(total=Sum("amount"))
    return {Month(at.year, at.month): total for at, total in found}


def _line(lines: dict[tuple[UUID, str], Line], customer_id: UUID, currency: str) -> Line:
    return lines.setdefault((customer_id, currency), Line(customer_id, "", currency))


def _name(lines) -> None:
    """Names of those who are still below; who has moved away keeps its money here, not its name."""
    names = dict(Organisation.objects.filter(pk__in=[line.customer_id for line in lines]).values_list("pk", "name"))
    for line in lines:
        line.name = names.get(line.customer_id, "")


def _totals(lines: list[Line]) -> list[Line]:
    by_currency: dict[str, Line] = {}
    for line in lines:
        total = by_currency.setdefault(line.currency, Line(line.customer_id, "", line.currency))
        for name in ("segments", "margin", "on_traffic", "on_packages", "taken_back"):
            setattr(total, name, getattr(total, name) + getattr(line, name))
    return list(by_currency.values())
