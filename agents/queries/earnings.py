"""What was earned and spent within spans of time: whole days from their sums, what is left of a span from the rows themselves.

A day's sum never changes once it is noted, so the time up to which there are sums may be read first.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from accounts.models import Organisation
from agents.sums import DAY, EARNED, EARNED_MONEY, EARNINGS, LEEWAY, SPENDING, SPENT
from kit.ids import first_id_at
from kit.sql import records, rows

Span = tuple[datetime, datetime]


class Earned(NamedTuple):
    """What `earner_id` got in a span (its number, from zero) by a customer, in micros; `customer_id` none: by all of them.

    `segments` is none where nobody asked for them.
    """

    span: int
    earner_id: UUID
    customer_id: UUID | None
    currency: str
    segments: int | None
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


class _Edge(NamedTuple):
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
_EDGES = (
    "unnest(%(edges_span)s::int[], %(edges_since)s::timestamptz[], %(edges_until)s::timestamptz[],"
    " %(edges_first_id)s::uuid[], %(edges_end_id)s::uuid[]) span (span, since, until, first_id, end_id)"
)
# Seller by seller: transfers are found by their pot and id, sums by their owner and day.  The policies let nobody see others'.
_EARNED = f"""
SELECT span, earner_id, {{customer}}, currency, {{earnings}} FROM (
    SELECT span, earner.id AS earner_id, sums.* FROM {_DAYS} CROSS JOIN ({{earners}}) earner CROSS JOIN LATERAL (
        SELECT customer_id, currency, segments, margin, on_traffic, on_packages, taken_back FROM agents_earningsum
        WHERE organisation_id = earner.id AND is_total = %(is_total)s AND begins_at >= span.since AND begins_at < span.until
        OFFSET 0
    ) sums
    UNION ALL
    SELECT span, earner.id, edges.* FROM {_EDGES} CROSS JOIN ({{earners}}) earner CROSS JOIN LATERAL ({{earned}}) edges
) earned GROUP BY 1, 2, 3, 4
"""  # noqa: S608  only our own words
_SPENT = f"""
SELECT span, payer_id, {SPENDING} FROM (
    SELECT span, payer.id AS payer_id, sums.* FROM {_DAYS} CROSS JOIN ({{payers}}) payer CROSS JOIN LATERAL (
        SELECT messages, segments, amount FROM agents_spendingsum
        WHERE organisation_id = payer.id AND begins_at >= span.since AND begins_at < span.until OFFSET 0
    ) sums
    UNION ALL
    SELECT span, payer.id, edges.* FROM {_EDGES} CROSS JOIN ({{payers}}) payer CROSS JOIN LATERAL ({SPENT}) edges
) spent GROUP BY 1, 2
"""  # noqa: S608  the same
_MONEY = EARNINGS.replace("sum(segments)::bigint", "NULL::bigint")
_ITSELF = "SELECT %(agent)s::uuid AS id"
_BELOW = "SELECT id FROM accounts_organisation WHERE path <@ %(path)s::ltree"
_SELLERS = """
    SELECT DISTINCT pot.organisation_id AS id FROM ledger_account pot
    JOIN accounts_organisation o ON o.id = pot.organisation_id AND o.path <@ %(path)s::ltree
    WHERE pot.kind IN ('margin', 'revenue', 'commission')
"""


def earned_by(agent: Organisation, *spans: Span) -> list[Earned]:
    """What the agent itself earned in each span, customer by customer, and of how many segments.

    Segments of a customer that has moved away are those of days that have sums: its settlements are nobody else's to see.
    """
    return _earned(_ITSELF, agent, spans, customer="customer_id", earned=EARNED, earnings=EARNINGS)


def totals_earned_by(agent: Organisation, *spans: Span) -> list[Earned]:
    """What the agent itself earned in each span, by all its customers together.  No segments."""
    return _earned(_ITSELF, agent, spans, customer="NULL::uuid", earned=EARNED_MONEY, earnings=_MONEY)


def earned_below(agent: Organisation, *spans: Span) -> list[Earned]:
    """What the agent and each seller below it earned in each span, customer by customer.  No segments."""
    return _earned(_SELLERS, agent, spans, customer="customer_id", earned=EARNED_MONEY, earnings=_MONEY)


def spent_below(agent: Organisation, *spans: Span) -> list[Spent]:
    """What the agent and each account below it spent in each span."""
    return records(Spent, _SPENT.format(payers=_BELOW), {"path": agent.path, **_parts(spans)})


def _earned(earners: str, agent: Organisation, spans: Sequence[Span], **words: str) -> list[Earned]:
    whose = {"agent": agent.pk, "path": agent.path, "is_total": words["customer"] != "customer_id"}
    return records(Earned, _EARNED.format(earners=earners, **words), {**whose, **_parts(spans)})


def _parts(spans: Sequence[Span]) -> dict[str, list[Any]]:
    """The spans as the statements take them: each part's columns."""
    summed_before = next((before for (before,) in rows("SELECT summed_before FROM agents_sumprogress")), None)
    days, edges = [], []
    for number, span in enumerate(spans):
        since, until = (moment.astimezone(UTC) for moment in span)
        first, last = _first_midnight(since), _midnight(min(until, summed_before) if summed_before else since)
        if first < last:
            days.append(_Days(number, first, last))
            edges += [_edge(number, since, first), _edge(number, last, until)]
        else:
            edges.append(_edge(number, since, until))
    return _columns("days", _Days, days) | _columns("edges", _Edge, [edge for edge in edges if edge.since < edge.until])


def _first_midnight(since: datetime) -> datetime:
    """The first midnight of UTC that is not before."""
    return _midnight(since + DAY - datetime.resolution)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _edge(number: int, since: datetime, until: datetime) -> _Edge:
    return _Edge(number, since, until, first_id_at(since - LEEWAY), first_id_at(until + LEEWAY))


def _columns(name: str, shape: type[NamedTuple], parts: Sequence[NamedTuple]) -> dict[str, list[Any]]:
    return {f"{name}_{field}": [getattr(part, field) for part in parts] for field in shape._fields}
