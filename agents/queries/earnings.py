"""What was earned and spent within spans of time: whole days from their sums, what is left of a span from the rows themselves.

A day's sum never changes once it is noted, so the time up to which there are sums may be read first.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from accounts.models import Organisation
from agents.sums import DAY, EARNED, EARNINGS, LEEWAY, SPENDING, SPENT
from kit.ids import first_id_at
from kit.sql import records, rows

Span = tuple[datetime, datetime]


class Earned(NamedTuple):
    """What `earner_id` got in a span (its number, from zero) by a customer, in micros; `customer_id` none: by all of them."""

    span: int
    earner_id: UUID
    customer_id: UUID | None
    currency: str
    segments: int
    margin: int
    on_traffic: int
    on_packages: int
    taken_back: int


class Spent(NamedTuple):
    """What of an account's messages arrived in a span, and what it paid for them in micros."""

    span: int
    organisation_id: UUID
    messages: int
    segments: int
    amount: int


class _Rest(NamedTuple):
    """A part of a span that is no whole day with a sum, and the ids to look among."""

    span: int
    since: datetime
    until: datetime
    first_id: UUID
    end_id: UUID


class _Days(NamedTuple):
    """The whole days of a span that have sums."""

    span: int
    since: datetime
    until: datetime


_DAYS = "unnest(%(days_span)s::int[], %(days_since)s::timestamptz[], %(days_until)s::timestamptz[]) span (span, since, until)"
_REST = (
    "unnest(%(rest_span)s::int[], %(rest_since)s::timestamptz[], %(rest_until)s::timestamptz[], %(rest_first_id)s::uuid[],"
    " %(rest_end_id)s::uuid[]) span (span, since, until, first_id, end_id)"
)
# Seller by seller: transfers are found by their pot and id, sums by their owner and day.  The policies let nobody see others'.
_EARNED = f"""
SELECT span, earner_id, {{customer}}, currency, {EARNINGS} FROM (
    SELECT span, earner.id AS earner_id, sums.* FROM {_DAYS} CROSS JOIN ({{earners}}) earner CROSS JOIN LATERAL (
        SELECT customer_id, currency, segments, margin, on_traffic, on_packages, taken_back FROM agents_earningsum
        WHERE organisation_id = earner.id AND is_total = %(is_total)s AND begins_at >= span.since AND begins_at < span.until
    ) sums
    UNION ALL
    SELECT span, earner.id, rest.* FROM {_REST} CROSS JOIN ({{earners}}) earner CROSS JOIN LATERAL ({EARNED}) rest
) both_of_them GROUP BY 1, 2, 3, 4
"""  # noqa: S608  only our own words
_SPENT = f"""
SELECT span, payer_id, {SPENDING} FROM (
    SELECT span, payer.id AS payer_id, sums.* FROM {_DAYS} CROSS JOIN ({{payers}}) payer CROSS JOIN LATERAL (
        SELECT messages, segments, amount FROM agents_spendingsum
        WHERE organisation_id = payer.id AND begins_at >= span.since AND begins_at < span.until
    ) sums
    UNION ALL
    SELECT span, payer.id, rest.* FROM {_REST} CROSS JOIN ({{payers}}) payer CROSS JOIN LATERAL ({SPENT}) rest
) both_of_them GROUP BY 1, 2
"""  # noqa: S608  the same
_ITSELF = "SELECT %(agent)s::uuid AS id"
_BELOW = "SELECT id FROM accounts_organisation WHERE path <@ %(path)s::ltree"
_SELLERS = """
    SELECT DISTINCT pot.organisation_id AS id FROM ledger_account pot
    JOIN accounts_organisation o ON o.id = pot.organisation_id AND o.path <@ %(path)s::ltree
    WHERE pot.kind IN ('margin', 'revenue', 'commission')
"""


def earned_by(agent: Organisation, *spans: Span) -> list[Earned]:
    """What the agent itself earned in each span, customer by customer."""
    return _earned(_ITSELF, agent, spans, is_total=False)


def totals_earned_by(agent: Organisation, *spans: Span) -> list[Earned]:
    """What the agent itself earned in each span, by all its customers together."""
    return _earned(_ITSELF, agent, spans, is_total=True)


def earned_below(agent: Organisation, *spans: Span) -> list[Earned]:
    """The same for the agent and each seller below it."""
    return _earned(_SELLERS, agent, spans, is_total=False)


def spent_below(agent: Organisation, *spans: Span) -> list[Spent]:
    """What the agent and each account below it spent in each span."""
    return records(Spent, _SPENT.format(payers=_BELOW), {"path": agent.path, **_parts(spans)})


def _earned(earners: str, agent: Organisation, spans: Sequence[Span], *, is_total: bool) -> list[Earned]:
    statement = _EARNED.format(earners=earners, customer="NULL::uuid" if is_total else "customer_id")
    return records(Earned, statement, {"agent": agent.pk, "path": agent.path, "is_total": is_total, **_parts(spans)})


def _parts(spans: Sequence[Span]) -> dict[str, list[Any]]:
    """The spans as the statements take them: each part's columns."""
    summed_before = next((before for (before,) in rows("SELECT summed_before FROM agents_sumprogress")), None)
    days, rest = [], []
    for number, (since, until) in enumerate(spans):
        first, last = _whole_days(since, until if summed_before is None else min(until, summed_before))
        if summed_before is None or first >= last:
            first = last = since
        else:
            days.append(_Days(number, first, last))
        rest += [_rest(number, *part) for part in ((since, first), (last, until)) if part[0] < part[1]]
    return _columns("days", _Days, days) | _columns("rest", _Rest, rest)


def _whole_days(since: datetime, until: datetime) -> Span:
    """The first midnight of UTC from `since` on, and the last up to `until`."""
    return _midnight(since + DAY - datetime.resolution), _midnight(until)


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _rest(number: int, since: datetime, until: datetime) -> _Rest:
    return _Rest(number, since, until, first_id_at(since - LEEWAY), first_id_at(until + LEEWAY))


def _columns(name: str, shape: type[NamedTuple], parts: Sequence[NamedTuple]) -> dict[str, list[Any]]:
    return {f"{name}_{field}": [getattr(part, field) for part in parts] for field in shape._fields}
