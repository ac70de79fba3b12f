"""What was earned and spent within spans of time: whole days from their sums, what is left of a span from the rows themselves.

Each function is one statement, so that days being summed, or forgotten, change nothing for it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from accounts.models import Organisation
from agents.sums import EARNED, EARNED_MONEY, LEEWAY, MONEY_EARNED, SPENDING, SPENT
from kit.sql import records

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


# The whole days of UTC of a span that have sums, from `first` to before `last`; a span without has both at its end.  What is
# left of it at both edges is looked for among the ids of that time.
_ID_AT = "(lpad(to_hex((extract(epoch FROM {}) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid"
_SPANS = f"""
WITH asked AS (
    SELECT span - 1 AS span, since, until, date_trunc('day', since + interval '1 day' - interval '1 microsecond', 'UTC') AS first,
        date_trunc('day', least(until, coalesce((SELECT summed_before FROM agents_sumprogress), '-infinity')), 'UTC') AS last
    FROM unnest(%(sinces)s::timestamptz[], %(untils)s::timestamptz[]) WITH ORDINALITY spans (since, until, span)
),
days AS MATERIALIZED (
    SELECT span, since, until, CASE WHEN first < last THEN first ELSE until END AS first,
        CASE WHEN first < last THEN last ELSE until END AS last FROM asked
),
edges AS MATERIALIZED (
    SELECT span, since, until, {_ID_AT.format("since - %(leeway)s")} AS first_id, {_ID_AT.format("until + %(leeway)s")} AS end_id
    FROM (
        SELECT span, since, first AS until FROM days UNION ALL SELECT span, last, until FROM days
    ) edges WHERE since < until
)
"""  # noqa: S608  only our own words
# Seller by seller: transfers are found by their pot and id, sums by their owner and day.  The policies let nobody see others'.
_EARNED = f"""
{_SPANS}
SELECT span, earner_id, {{customer}}, currency, {{segments}}, {MONEY_EARNED} FROM (
    SELECT span, earner.id AS earner_id, sums.* FROM days span CROSS JOIN ({{earners}}) earner CROSS JOIN LATERAL (
        SELECT customer_id, currency, segments, margin, on_traffic, on_packages, taken_back FROM agents_earningsum
        WHERE organisation_id = earner.id AND is_total = %(is_total)s AND begins_at >= span.first AND begins_at < span.last
        OFFSET 0
    ) sums
    UNION ALL
    SELECT span, earner.id, edge.* FROM edges span CROSS JOIN ({{earners}}) earner CROSS JOIN LATERAL ({{earned}}) edge
) earned GROUP BY 1, 2, 3, 4
"""  # noqa: S608  only our own words
_SPENT = f"""
{_SPANS}
SELECT span, payer_id, {SPENDING} FROM (
    SELECT span, payer.id AS payer_id, sums.* FROM days span CROSS JOIN ({{payers}}) payer CROSS JOIN LATERAL (
        SELECT messages, segments, amount FROM agents_spendingsum
        WHERE organisation_id = payer.id AND begins_at >= span.first AND begins_at < span.last OFFSET 0
    ) sums
    UNION ALL
    SELECT span, payer.id, edge.* FROM edges span CROSS JOIN ({{payers}}) payer CROSS JOIN LATERAL ({SPENT}) edge
) spent GROUP BY 1, 2
"""  # noqa: S608  the same
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
    return _earned(_ITSELF, agent, spans, customer="customer_id", segments="sum(segments)::bigint", earned=EARNED)


def totals_earned_by(agent: Organisation, *spans: Span) -> list[Earned]:
    """What the agent itself earned in each span, by all its customers together.  No segments."""
    return _earned(_ITSELF, agent, spans, customer="NULL::uuid", segments="NULL::bigint", earned=EARNED_MONEY)


def earned_below(agent: Organisation, *spans: Span) -> list[Earned]:
    """What the agent and each seller below it earned in each span, customer by customer.  No segments."""
    return _earned(_SELLERS, agent, spans, customer="customer_id", segments="NULL::bigint", earned=EARNED_MONEY)


def spent_below(agent: Organisation, *spans: Span) -> list[Spent]:
    """What the agent and each account below it spent in each span."""
    return records(Spent, _SPENT.format(payers=_BELOW), {"path": agent.path, **_asked(spans)})


def _earned(earners: str, agent: Organisation, spans: Sequence[Span], **words: str) -> list[Earned]:
    whose = {"agent": agent.pk, "path": agent.path, "is_total": words["customer"] != "customer_id"}
    return records(Earned, _EARNED.format(earners=earners, **words), {**whose, **_asked(spans)})


def _asked(spans: Sequence[Span]) -> dict[str, Any]:
    return {
        "sinces": [since for since, _until in spans],
        "untils": [until for _since, until in spans],
        "leeway": LEEWAY,
    }
