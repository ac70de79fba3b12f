"""What an agent earned in a month, by customer.  Margin is read from the ledger itself, commission from its entries,
which are one with their transfers: so the totals are the ledger's, to the micro.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q, Sum

from accounts.models import Organisation
from agents.models import CommissionEntry
from agents.rules.months import Month
from kit.ids import first_id_at
from kit.sql import records, rows


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
# A range a month: telling of each transfer which month it is of takes longer than reading it.
_MONTHS = """
SELECT month.place, margin.amount, commission.amount
FROM unnest(%(begins)s::timestamptz[], %(ends)s::timestamptz[], %(first_ids)s::uuid[], %(end_ids)s::uuid[])
    WITH ORDINALITY month (begins_at, ends_at, first_id, end_id, place)
CROSS JOIN LATERAL (
    SELECT sum(amount)::bigint AS amount FROM ledger_transfer t
    WHERE t.target_id = (
        SELECT id FROM ledger_account WHERE organisation_id = %(agent)s AND kind = 'margin' AND currency = %(currency)s
    ) AND t.reason = 'margin' AND t.id >= first_id AND t.id < end_id AND t.created_at >= begins_at AND t.created_at < ends_at
) margin
CROSS JOIN LATERAL (
    SELECT sum(amount)::bigint AS amount FROM agents_commissionentry e
    WHERE e.organisation_id = %(agent)s AND currency = %(currency)s AND e.earned_at >= begins_at AND e.earned_at < ends_at
) commission
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
    months = [until]
    while len(months) < count:
        months.append(months[-1].previous)
    spans = [month.span(ZoneInfo(agent.time_zone)) for month in months]
    found = rows(
        _MONTHS,
        {
            "agent": agent.pk,
            "currency": agent.currency,
            "begins": [begin for begin, _end in spans],
            "ends": [end for _begin, end in spans],
            "first_ids": [first_id_at(begin - _LEEWAY) for begin, _end in spans],
            "end_ids": [first_id_at(end + _LEEWAY) for _begin, end in spans],
        },
    )
    earned = {months[place - 1]: amounts for place, *amounts in found if amounts != [None, None]}
    first = min([until, *earned])
    amounts = {month: earned.get(month, (0, 0)) for month in months if month >= first}
    return [MonthTotal(month, margin or 0, commission or 0) for month, (margin, commission) in amounts.items()]


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
