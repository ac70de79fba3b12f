"""What an agent earned in a month, by customer.  Margin is the ledger's, commission that of its entries, which are one with
their transfers: so the totals are the ledger's, to the micro.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts.models import Organisation
from agents.rules.months import Month

from .earnings import earned_by, totals_earned_by


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


def statement(agent: Organisation, month: Month) -> Statement:
    """The agent's month, by its own clock.  Runs in a downline scope that reaches the agent and what is below it."""
    begin, end = month.span(ZoneInfo(agent.time_zone))
    lines = [
        Line(
            one.customer_id, "", one.currency, one.segments, one.margin, one.on_traffic, one.on_packages, one.taken_back
        )
        for one in earned_by(agent, (begin, end))
    ]
    _name(lines)
    lines.sort(key=lambda line: (line.currency, -line.total, line.name, line.customer_id))
    return Statement(agent, month, begin, end, lines, _totals(lines))


def months_of(agent: Organisation, *, until: Month, count: int = 12) -> list[MonthTotal]:
    """The last months, the newest first, in the agent's own currency, as far back as anything was earned."""
    months = [until]
    while len(months) < count:
        months.append(months[-1].previous)
    spans = [month.span(ZoneInfo(agent.time_zone)) for month in months]
    earned = {
        months[one.span]: MonthTotal(months[one.span], one.margin, one.on_traffic + one.on_packages + one.taken_back)
        for one in totals_earned_by(agent, *spans)
        if one.currency == agent.currency
    }
    first = min([until, *earned])
    return [earned.get(month, MonthTotal(month, 0, 0)) for month in months if month >= first]


def _name(lines: Iterable[Line]) -> None:
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
