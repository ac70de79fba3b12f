"""Where the money of settled messages goes: a few transfers for the whole batch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from billing.ledger.actions import Move, Pot, post, pots_of
from billing.ledger.models import Account, Reason
from billing.packages.allowance import give_back
from billing.pricing.models import Quote
from kit.ids import uuid7
from messaging.engine.models import Settlement
from messaging.engine.states import Status

if TYPE_CHECKING:
    from .settling import SettledGroup

#: Quotes never change, so each process reads each of them once.
_QUOTES: dict[UUID, Quote] = {}
_QUOTES_KEPT = 20_000


def move_money(groups: Sequence["SettledGroup"]) -> list[UUID]:
    """Pay out or give back what the groups' messages had taken; the settlements that record it.

    Runs in the caller's transaction.  Test messages have no quote and move nothing.
    """
    paid = _merge_campaigns([group for group in groups if group.quote_id])
    quotes = _quotes({group.quote_id for group in paid})
    settlements, flows = [], []
    for group in sorted(
        paid, key=lambda group: str(group.allowance_id)
    ):  # whoever returns to several goes in their order
        settlement = _record(group)
        settlements.append(settlement)
        if group.allowance_id:
            if group.status != Status.DELIVERED:
                give_back(
                    allowance_id=group.allowance_id,
                    segments=group.segments,
                    reference=f"settlement:{settlement.pk}",
                )
        elif group.price:
            flows += _flows(settlement, group, quotes[group.quote_id])
    Settlement.objects.bulk_create(settlements)
    if flows:
        _post(flows)
    return [settlement.pk for settlement in settlements]


def _merge_campaigns(groups: Sequence["SettledGroup"]) -> list["SettledGroup"]:
    """Money does not ask which campaign a message was of."""
    merged: dict[tuple, SettledGroup] = {}
    for group in groups:
        key = (group.organisation_id, group.quote_id, group.allowance_id, group.status)
        before = merged.get(key)
        if before:
            group = group._replace(
                messages=before.messages + group.messages,
                segments=before.segments + group.segments,
                price=before.price + group.price,
            )
        merged[key] = group
    return list(merged.values())


def _record(group: "SettledGroup") -> Settlement:
    return Settlement(
        id=uuid7(),
        organisation_id=group.organisation_id,
        quote_id=group.quote_id,
        allowance_id=group.allowance_id,
        status=group.status,
        messages=group.messages,
        segments=group.segments,
        amount=group.price,
        currency=group.currency,
    )


class _Flow(NamedTuple):
    """A move between pots not looked up yet."""

    source: Pot
    target: Pot
    amount: int
    reason: str
    reference: str


def _post(flows: list[_Flow]) -> None:
    pots = pots_of({pot for flow in flows for pot in (flow.source, flow.target)})
    post(
        *(
            Move(
                pots[flow.source],
                pots[flow.target],
                flow.amount,
                flow.reason,
                flow.reference,
                subject=flow.reference[: len("settlement:") + 36],
            )
            for flow in flows
        )
    )


def _flows(settlement: Settlement, group: "SettledGroup", quote: Quote) -> list[_Flow]:
    reference, currency = f"settlement:{settlement.pk}", group.currency
    hold = (group.organisation_id, Account.Kind.HOLD, currency)
    if group.status != Status.DELIVERED:
        wallet = (group.organisation_id, Account.Kind.WALLET, currency)
        return [_Flow(hold, wallet, group.price, Reason.RELEASE, f"{reference}:release")]
    margins = [
        _Flow(
            hold, (agent, Account.Kind.MARGIN, currency), part * group.segments, Reason.MARGIN, f"{reference}:{agent}"
        )
        for agent, part in zip(quote.agents, quote.agent_parts, strict=True)
        if part
    ]
    rest = group.price - sum(flow.amount for flow in margins)
    revenue = (quote.platform_id, Account.Kind.REVENUE, currency)
    return [*margins, _Flow(hold, revenue, rest, Reason.SETTLE, f"{reference}:revenue")]


def _quotes(ids: set[UUID]) -> dict[UUID, Quote]:
    missing = ids - _QUOTES.keys()
    if missing:
        if len(_QUOTES) > _QUOTES_KEPT:
            _QUOTES.clear()
            missing = ids
        _QUOTES.update(Quote.objects.in_bulk(missing))
    return {id: _QUOTES[id] for id in ids}
