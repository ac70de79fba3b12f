"""Random trees and random prices, real messages: every micro of a price has one owner, and each owner's page shows it."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agents import queries
from agents.actions import accrue_recent_commission
from agents.models import CommissionEntry
from agents.rules.months import Month
from billing.ledger.books import problems
from billing.ledger.models import Account
from billing.ledger.queries import balance_of
from billing.ledger.tests.factories import fund
from billing.pricing.tests.factories import make_price_book
from kit.money import units
from messaging.content.compiled import compiled
from messaging.content.tests.factories import approved_sender, approved_version
from messaging.engine.tests.factories import World, make_world

from .factories import deliver, earns, make_chain, pot

pytestmark = pytest.mark.django_db
Kind = Account.Kind
SPAN = {"since": timezone.now() - timedelta(days=1), "until": timezone.now() + timedelta(days=2)}
levels = st.lists(st.tuples(st.integers(0, 40_000), st.integers(0, 2_500)), min_size=0, max_size=5)


def make_trade(world: World, margins_and_rates) -> tuple[World, list]:
    """A customer below a chain of agents, each with a margin in micros over its seller and a commission."""
    chain = make_chain(len(margins_and_rates))
    price = 30_000
    for agent, (margin, rate) in zip(chain.agents, margins_and_rates, strict=True):
        price += margin
        with agent.scope():
            make_price_book(agent, {"notice": str(units(price))}, is_default=True)
        earns(agent, rate)
    fund(chain.customer, "10.00")
    wording = compiled(approved_version(chain.customer, body="Hello {name}.", category="notice"))
    sender = approved_sender(chain.customer)
    trade = World(world.operator, world.agent, chain.customer, world.channel, wording, sender)
    return trade, chain.agents


@pytest.fixture
def world():
    """Made once: each example adds a chain of its own to it."""
    return make_world(funds="")


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(levels, st.integers(1, 4))
def test_a_price_is_cost_plus_the_margins_to_the_micro_and_commission_is_conserved(world, margins_and_rates, count):
    trade, agents = make_trade(world, margins_and_rates)

    deliver(trade, count)
    accrue_recent_commission()

    price = 30_000 + sum(margin for margin, _rate in margins_and_rates)
    assert [pot(agent, Kind.MARGIN) for agent in agents] == [margin * count for margin, _rate in margins_and_rates]
    assert pot(trade.customer, Kind.WALLET) == 10_000_000 - price * count
    for agent, (_margin, rate) in zip(agents, margins_and_rates, strict=True):
        entries = CommissionEntry.objects.filter(organisation=agent).values_list("amount", flat=True)
        assert sum(entries) == pot(agent, Kind.COMMISSION) == round(price * count * rate / 10_000)
    earned, paid = (_sum_of_all(kind) for kind in (Kind.COMMISSION, Kind.COMMISSION_COST))
    assert earned == -paid == sum(CommissionEntry.objects.values_list("amount", flat=True))
    assert problems() == []
    _the_pages_agree(trade, agents, price, count)


def _sum_of_all(kind) -> int:
    return sum(balance_of(account) for account in Account.objects.filter(kind=kind))


def _the_pages_agree(trade, agents, price, count):
    month = Month.of(timezone.now(), timezone.get_default_timezone())
    for above, agent in enumerate(agents):
        with agent.downline_scope():
            tree = queries.downline(agent, **SPAN)
            [total] = queries.statement(agent, month).totals or [None]
        [customer] = [one for one in tree.walk() if one.organisation == trade.customer]
        below = sum(pot(one, Kind.MARGIN) for one in agents[above + 1 :])
        assert customer.figures.margin == pot(agent, Kind.MARGIN)
        assert customer.figures.revenue == price * count - below
        assert customer.figures.segments == count
        assert customer.price == price
        assert sum(rung.adds for rung in tree.ladder(customer)) == customer.price - tree.cost
        earned = pot(agent, Kind.MARGIN) + pot(agent, Kind.COMMISSION)
        assert (total.total if total else 0) == earned
