"""Commission earned and taken back: sales that have no entry yet get one, and the money moves with it.

Runs as the engine: a sale, the agents above it and who pays them are different tenants.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from agents.models import CommissionEntry
from agents.rules.commission import COMMISSION_RULES, Sale, taken_back
from billing.ledger.actions import Move, accounts_of, post
from billing.ledger.models import Account, Reason
from billing.packages.models import Purchase
from kit import tenancy
from kit.ids import first_id_at, uuid7s
from kit.sql import records, rows
from messaging.engine.states import Status

#: Longer than any transaction lives: a sale committed late is still younger than this when it can first be seen.
RECENT = timedelta(minutes=15)
BATCH = 500


class Due(NamedTuple):
    """A sale, or the refund of one, that an agent above has no entry for.  `amount` is what it earns or loses."""

    agent_id: UUID
    rule_id: UUID
    paid_by_id: UUID
    customer_id: UUID
    reference: str
    sale_amount: int
    amount: int
    currency: str


class _Sold(NamedTuple):
    agent_id: UUID
    rule_id: UUID
    paid_by_id: UUID
    code: str
    basis_points: int
    customer_id: UUID
    reference: str
    amount: int
    currency: str


# The rule of the sale's own moment counts, whenever it is accrued, and only while its payer is the agent's seller.
# Sales whose entry is there already drop out here; of two that look at once, the unique constraint lets one through.
_SOLD = """
SELECT rule.organisation_id, rule.id, rule.paid_by_id, rule.code, rule.basis_points, sale.organisation_id,
    sale.reference, sale.amount, sale.currency
FROM ({sales}) AS sale
JOIN accounts_organisation customer ON customer.id = sale.organisation_id
JOIN accounts_organisation agent ON agent.path @> customer.path AND agent.id <> customer.id
JOIN agents_commissionrule rule ON rule.organisation_id = agent.id AND rule.paid_by_id = agent.parent_id
    AND rule.basis = %(basis)s AND rule.created_at <= sale.sold_at
    AND (rule.ended_at IS NULL OR rule.ended_at > sale.sold_at)
WHERE NOT EXISTS (
    SELECT FROM agents_commissionentry entry
    WHERE entry.organisation_id = rule.organisation_id AND entry.sale_reference = sale.reference
)
LIMIT %(batch)s
"""
_DELIVERED = """
SELECT organisation_id, 'settlement:' || id AS reference, amount, currency, created_at AS sold_at
FROM engine_settlement WHERE status = %(delivered)s AND allowance_id IS NULL AND amount > 0 AND id >= %(first_id)s
"""
_PACKAGES = """
SELECT organisation_id, 'purchase:' || id AS reference, amount, currency, paid_at AS sold_at
FROM packages_purchase WHERE kind = 'package' AND paid_at >= %(since)s
"""


def accrue_commission(*, since: datetime) -> int:
    """Give every agent above a sale made since then its commission, and take back that of refunds; how many entries.

    Delivered messages paid from a wallet and paid packages are sales.  A sale earns an agent once, however often and
    however concurrently this runs: entry and money are one transaction, and the entry is unique.
    """
    traffic = {"basis": "traffic", "delivered": Status.DELIVERED, "first_id": first_id_at(since)}
    packages = {"basis": "packages", "since": since}
    made = _in_batches(lambda: _earned(_DELIVERED, traffic))
    made += _in_batches(lambda: _earned(_PACKAGES, packages))
    return made + take_back_refunded()


def accrue_recent_commission() -> int:
    """What the last minutes brought."""
    return accrue_commission(since=timezone.now() - RECENT)


def take_back_refunded() -> int:
    """Take back the commission of packages whose money was returned, in whole or in part; how many entries."""
    return sum(_take_back(purchase_id) for purchase_id in _refunds_to_follow())


def _in_batches(find: Callable[[], list[Due]]) -> int:
    made = 0
    while True:
        with tenancy.as_engine():
            due = find()
            made += _enter(due)
        if len(due) < BATCH:
            return made


def _earned(sales: str, parameters: dict) -> list[Due]:
    found = records(_Sold, _SOLD.format(sales=sales), {**parameters, "batch": BATCH})
    return [
        Due(
            agent_id=sold.agent_id,
            rule_id=sold.rule_id,
            paid_by_id=sold.paid_by_id,
            customer_id=sold.customer_id,
            reference=sold.reference,
            sale_amount=sold.amount,
            amount=COMMISSION_RULES[sold.code].earned(Sale(sold.amount, sold.currency), basis_points=sold.basis_points),
            currency=sold.currency,
        )
        for sold in found
    ]


_REFUNDS = """
SELECT p.id FROM packages_purchase p
WHERE p.refunded_amount > 0 AND p.kind = 'package' AND EXISTS (
    SELECT FROM agents_commissionentry sold
    WHERE sold.sale_reference = 'purchase:' || p.id AND sold.sale_reference NOT LIKE 'settlement:%%' AND NOT EXISTS (
        SELECT FROM agents_commissionentry back WHERE back.organisation_id = sold.organisation_id
            AND back.sale_reference = 'refund:' || p.id || ':' || p.refunded_amount
    )
)
ORDER BY p.id
"""


def _refunds_to_follow() -> list[UUID]:
    with tenancy.as_engine():
        return [id for (id,) in rows(_REFUNDS)]


def _take_back(purchase_id: UUID) -> int:
    with tenancy.as_engine():
        # The lock first: of two that follow refunds of one purchase, the second sees what the first took back.
        purchase = Purchase.objects.select_for_update().get(pk=purchase_id)
        sales = CommissionEntry.objects.filter(sale_reference=f"purchase:{purchase.pk}").select_related("rule")
        return _enter([_reversal(purchase, sale, _lost_so_far(purchase, sale)) for sale in sales])


class _Lost(NamedTuple):
    of_sale: int
    of_commission: int


def _lost_so_far(purchase: Purchase, sale: CommissionEntry) -> _Lost:
    refunds = CommissionEntry.objects.filter(
        organisation_id=sale.organisation_id, sale_reference__startswith=f"refund:{purchase.pk}:"
    )
    totals = refunds.aggregate(of_sale=Sum("sale_amount", default=0), of_commission=Sum("amount", default=0))
    return _Lost(-totals["of_sale"], -totals["of_commission"])


def _reversal(purchase: Purchase, sale: CommissionEntry, before: _Lost) -> Due:
    lost = taken_back(earned=sale.amount, refunded=purchase.refunded_amount, amount=purchase.amount)
    return Due(
        agent_id=sale.organisation_id,
        rule_id=sale.rule_id,
        paid_by_id=sale.rule.paid_by_id,
        customer_id=sale.customer_id,
        reference=f"refund:{purchase.pk}:{purchase.refunded_amount}",
        sale_amount=before.of_sale - purchase.refunded_amount,
        amount=before.of_commission - lost,
        currency=sale.currency,
    )


# Both times are the transaction's own: an entry and its transfer always fall into the same month.
_ENTER = """
INSERT INTO agents_commissionentry (id, organisation_id, rule_id, customer_id, sale_reference, sale_amount, amount,
    currency, earned_at)
SELECT *, now() FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::bigint[], %s::bigint[], %s::text[])
ON CONFLICT (organisation_id, sale_reference) DO NOTHING
RETURNING id
"""


@transaction.atomic
def _enter(due: Sequence[Due]) -> int:
    """Make the entries that aren't there yet and move their money."""
    if not due:
        return 0
    # In one order everywhere: two that enter the same sales then wait for each other instead of locking up.
    in_order = sorted(due, key=lambda one: (one.reference, one.agent_id))
    by_entry = dict(zip(uuid7s(len(in_order)), in_order, strict=True))
    columns = zip(
        *(
            (
                str(id),
                one.agent_id,
                one.rule_id,
                one.customer_id,
                one.reference,
                one.sale_amount,
                one.amount,
                one.currency,
            )
            for id, one in by_entry.items()
        ),
        strict=True,
    )
    made = [id for (id,) in rows(_ENTER, [list(column) for column in columns])]
    _move_money({id: by_entry[id] for id in made})
    return len(made)


def _move_money(by_entry: dict[UUID, Due]) -> None:
    pots = accounts_of(pot for one in by_entry.values() for pot in (_cost(one), _earnings(one))) if by_entry else {}
    post(*(_move(id, one, pots) for id, one in by_entry.items()))


def _move(entry_id: UUID, due: Due, pots: dict) -> Move:
    cost, earnings = pots[_cost(due)], pots[_earnings(due)]
    forward = due.amount >= 0
    return Move(
        source=cost if forward else earnings,
        target=earnings if forward else cost,
        amount=abs(due.amount),
        reason=Reason.COMMISSION if forward else Reason.COMMISSION_REVERSAL,
        reference=f"commission:{due.agent_id}:{due.reference}",
        subject=f"commission:{entry_id}",
    )


def _cost(due: Due) -> tuple[UUID, str, str]:
    return due.paid_by_id, Account.Kind.COMMISSION_COST, due.currency


def _earnings(due: Due) -> tuple[UUID, str, str]:
    return due.agent_id, Account.Kind.COMMISSION, due.currency
