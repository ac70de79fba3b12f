"""Resellers with trade below them, made through the product's own actions."""

from dataclasses import dataclass, field

from accounts.models import Organisation
from accounts.tests.factories import make_agent, make_customer, make_member, make_operator
from agents.actions import set_commission_rule
from agents.models import CommissionRule
from billing.ledger.models import Account
from billing.ledger.queries import balance_of
from billing.packages.actions import Payment, complete_purchase, create_package, record_refund, start_purchase
from billing.packages.models import Package, Purchase
from kit.money import money, to_minor
from messaging.engine.tests.factories import World

TRAFFIC, PACKAGES = CommissionRule.Basis.TRAFFIC, CommissionRule.Basis.PACKAGES


def deliver(world: World, count: int = 1) -> None:
    """Messages of the world's customer, accepted, sent and reported delivered: settled, in one batch."""
    world.accept(count)
    world.report(*((reference, "delivered") for reference in world.send()))


def earns(agent: Organisation, basis_points: int, *, basis: str = TRAFFIC) -> CommissionRule | None:
    """The agent's seller pays it that share from now on."""
    seller = agent.parent
    with seller.downline_scope():
        return set_commission_rule(seller=seller, agent=agent, basis=basis, basis_points=basis_points)


def pot(organisation: Organisation, kind: str, currency: str = "GBP") -> int:
    """What an account holds by its transfers."""
    account = Account.objects.filter(organisation=organisation, kind=kind, currency=currency).first()
    return balance_of(account) if account else 0


def buy(customer: Organisation, price: str = "25.00") -> Purchase:
    """A package bought and paid by the customer."""
    return _paid(customer, package=make_package(price, currency=customer.currency))


def top_up(customer: Organisation, amount: str) -> Purchase:
    """Money paid into the customer's own wallet."""
    return _paid(customer, amount=money(amount))


def _paid(customer: Organisation, **what) -> Purchase:
    buyer = make_member(customer).user
    with customer.scope():
        purchase = start_purchase(organisation=customer, by=buyer, **what)
    complete_purchase(payment=payment_for(purchase))
    purchase.refresh_from_db()
    return purchase


def make_package(price: str = "25.00", *, currency: str = "GBP") -> Package:
    operator = make_operator()
    with operator.scope():
        return create_package(
            organisation=operator, name="1,000 segments", segments=1_000, price=money(price), currency=currency
        )


def payment_for(purchase: Purchase) -> Payment:
    return Payment(
        purchase_id=purchase.pk,
        amount=to_minor(purchase.amount),
        currency=purchase.currency.lower(),
        is_live=purchase.is_live,
        session_reference=f"cs_{purchase.pk}",
        payment_reference=f"pi_{purchase.pk}",
    )


def refund(purchase: Purchase, amount: str) -> None:
    """All that was returned of a purchase so far, as Stripe reports it."""
    record_refund(
        purchase_id=purchase.pk,
        payment_reference=f"pi_{purchase.pk}",
        refunded=to_minor(money(amount)),
        currency=purchase.currency.lower(),
    )


@dataclass
class Chain:
    """An operator, agents one below the other, and a customer below the last."""

    operator: Organisation
    agents: list[Organisation] = field(default_factory=list)
    customer: Organisation | None = None


def make_chain(depth: int, **fields) -> Chain:
    chain = Chain(make_operator())
    for _level in range(depth):
        chain.agents.append(make_agent(parent=chain.agents[-1] if chain.agents else chain.operator, **fields))
    chain.customer = make_customer(parent=chain.agents[-1] if chain.agents else chain.operator, **fields)
    return chain
