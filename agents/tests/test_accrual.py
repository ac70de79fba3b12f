from datetime import timedelta

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Organisation
from accounts.tests.factories import make_agent, make_customer
from agents import tasks
from agents.actions import accrue_commission, accrue_recent_commission
from agents.models import CommissionEntry, CommissionRule
from billing.ledger.books import problems
from billing.ledger.models import Account, Reason, Transfer
from billing.packages.models import Purchase
from kit.money import money
from messaging.engine.models import Settlement

from .factories import PACKAGES, buy, deliver, earns, make_chain, pot, refund, top_up

pytestmark = pytest.mark.django_db
EARNED, PAID = Account.Kind.COMMISSION, Account.Kind.COMMISSION_COST


def total(agent) -> int:
    return sum(CommissionEntry.objects.filter(organisation=agent).values_list("amount", flat=True))


def test_settled_messages_earn_the_agent_its_share_and_the_seller_pays_it(world):
    earns(world.agent, 500)
    deliver(world, 3)  # 3 × £0.04

    assert accrue_recent_commission() == 1

    [entry] = CommissionEntry.objects.all()
    [settlement] = Settlement.objects.all()
    assert (entry.organisation, entry.customer) == (world.agent, world.customer)
    assert (entry.sale_reference, entry.sale_amount) == (f"settlement:{settlement.pk}", money("0.12"))
    assert entry.amount == pot(world.agent, EARNED) == -pot(world.operator, PAID) == money("0.006")
    assert problems() == []


def test_messages_that_did_not_arrive_earn_nothing(world):
    earns(world.agent, 500)
    world.accept(2)
    world.report(*((reference, "undelivered") for reference in world.send()))

    assert accrue_recent_commission() == 0
    assert pot(world.agent, EARNED) == 0


def test_the_same_sale_accrued_again_earns_nothing_more(world):
    earns(world.agent, 500)
    deliver(world)

    assert [accrue_recent_commission() for _ in range(3)] == [1, 0, 0]
    assert pot(world.agent, EARNED) == money("0.002")


def test_the_bell_of_a_settlement_accrues_at_once(world, django_capture_on_commit_callbacks):
    earns(world.agent, 500)

    with django_capture_on_commit_callbacks(execute=True):
        deliver(world)

    assert pot(world.agent, EARNED) == money("0.002")


def test_every_agent_above_earns_by_its_own_rule_and_its_own_seller_pays():
    chain = make_chain(3)
    rates = [700, 300, 1_000]
    for agent, rate in zip(chain.agents, rates, strict=True):
        earns(agent, rate, basis=PACKAGES)
    buy(chain.customer, "25.00")

    accrue_recent_commission()

    expected = [money("1.75"), money("0.75"), money("2.50")]
    sellers = [chain.operator, *chain.agents[:-1]]
    assert [pot(agent, EARNED) for agent in chain.agents] == expected
    assert [-pot(seller, PAID) for seller in sellers] == expected


def test_an_agent_earns_nothing_on_what_it_buys_itself_or_on_a_neighbours_sales():
    chain, neighbour = make_chain(1), make_agent()
    earns(chain.agents[0], 500, basis=PACKAGES)
    earns(neighbour, 500, basis=PACKAGES)
    buy(chain.agents[0])
    buy(make_customer())

    assert accrue_recent_commission() == 0


def test_a_sale_is_settled_by_the_rule_of_its_own_moment():
    chain = make_chain(1)
    [agent] = chain.agents
    buy(chain.customer, "10.00")  # before there was any rule
    earns(agent, 500, basis=PACKAGES)
    buy(chain.customer, "20.00")
    earns(agent, 1_000, basis=PACKAGES)
    buy(chain.customer, "30.00")
    earns(agent, 0, basis=PACKAGES)
    buy(chain.customer, "40.00")

    accrue_recent_commission()

    amounts = CommissionEntry.objects.order_by("sale_amount").values_list("sale_amount", "amount")
    assert list(amounts) == [(money("20.00"), money("1.00")), (money("30.00"), money("3.00"))]


def test_a_rule_sleeps_once_the_agent_has_moved_to_another_seller():
    chain, other = make_chain(1), make_agent()
    [agent] = chain.agents
    earns(agent, 500, basis=PACKAGES)
    Organisation.objects.filter(pk=agent.pk).update(parent=other)
    chain.customer.refresh_from_db()
    buy(chain.customer)

    assert accrue_recent_commission() == 0
    assert pot(other, PAID) == 0


def test_a_top_up_is_no_sale():
    chain = make_chain(1)
    earns(chain.agents[0], 500, basis=PACKAGES)
    top_up(chain.customer, "50.00")

    assert accrue_recent_commission() == 0


def test_a_refund_takes_the_commission_back_to_the_micro():
    chain = make_chain(2)
    for agent in chain.agents:
        earns(agent, 333, basis=PACKAGES)
    purchase = buy(chain.customer, "9.99")
    accrue_recent_commission()

    refund(purchase, "9.99")
    accrue_recent_commission()

    assert [pot(agent, EARNED) for agent in chain.agents] == [0, 0]
    assert [total(agent) for agent in chain.agents] == [0, 0]
    assert Transfer.objects.filter(reason=Reason.COMMISSION_REVERSAL).count() == 2
    assert accrue_recent_commission() == 0


def test_the_bell_of_a_refund_takes_back_at_once(django_capture_on_commit_callbacks):
    chain = make_chain(1)
    earns(chain.agents[0], 500, basis=PACKAGES)

    with django_capture_on_commit_callbacks(execute=True):
        purchase = buy(chain.customer)
    earned = pot(chain.agents[0], EARNED)
    with django_capture_on_commit_callbacks(execute=True):
        refund(purchase, "25.00")

    assert earned == money("1.25")
    assert pot(chain.agents[0], EARNED) == 0


def test_a_sale_refunded_before_it_was_accrued_earns_and_loses():
    chain = make_chain(1)
    earns(chain.agents[0], 500, basis=PACKAGES)
    refund(buy(chain.customer), "25.00")

    assert accrue_recent_commission() == 2
    assert pot(chain.agents[0], EARNED) == 0


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 10_000), st.lists(st.integers(1, 99_999), min_size=1, max_size=4, unique=True))
def test_refunds_in_parts_take_back_their_part_each_time(rate, parts):
    chain = make_chain(1)
    [agent] = chain.agents
    earns(agent, rate, basis=PACKAGES)
    purchase = buy(chain.customer, "1000.00")
    accrue_recent_commission()
    earned = total(agent)

    for minor in sorted(parts):
        refund(purchase, f"{minor / 100:.2f}")
        accrue_commission(since=timezone.now() - timedelta(days=1))
        exact = earned * minor / 100_000
        assert abs(total(agent) - (earned - exact)) <= 0.5
    refund(purchase, "1000.00")
    accrue_recent_commission()

    assert total(agent) == pot(agent, EARNED) == 0


def test_the_wide_round_finds_what_the_minutes_round_missed():
    chain = make_chain(1)
    earns(chain.agents[0], 500, basis=PACKAGES)
    purchase = buy(chain.customer)
    Purchase.objects.filter(pk=purchase.pk).update(paid_at=timezone.now() - timedelta(hours=5))
    CommissionRule.objects.update(created_at=timezone.now() - timedelta(hours=6))

    assert accrue_recent_commission() == 0
    tasks.accrue_missed_commission()

    assert pot(chain.agents[0], EARNED) == money("1.25")


def test_the_database_keeps_a_second_entry_for_the_same_sale_out(world):
    earns(world.agent, 500)
    deliver(world)
    accrue_recent_commission()
    [entry] = CommissionEntry.objects.all()

    entry.pk = None
    entry._state.adding = True
    with pytest.raises(IntegrityError, match="one_entry_an_agent_and_sale"), transaction.atomic():
        entry.save(force_insert=True)


@pytest.mark.parametrize(
    "statement", ["UPDATE agents_commissionentry SET amount = 0", "DELETE FROM agents_commissionentry"]
)
def test_entries_are_only_ever_added(world, statement):
    earns(world.agent, 500)
    deliver(world)
    accrue_recent_commission()

    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
