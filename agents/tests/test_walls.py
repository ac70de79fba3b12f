"""The second wall alone: what the database lets the web's own role do with commission, whatever our code asks."""

import pytest
from django.db import ProgrammingError, transaction
from django.utils import timezone

from agents.actions import accrue_recent_commission, set_commission_rule
from agents.errors import NotYourReseller
from agents.models import CommissionEntry, CommissionRule

from .factories import PACKAGES, buy, earns, make_chain

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain():
    chain = make_chain(2)
    for agent in chain.agents:
        earns(agent, 500, basis=PACKAGES)
    buy(chain.customer)
    accrue_recent_commission()
    return chain


def test_an_agent_reads_its_own_commission_and_that_below_and_no_other(chain):
    first, second = chain.agents

    def seen_by(organisation, *, below: bool = True):
        with organisation.downline_scope() if below else organisation.scope():
            return set(CommissionEntry.objects.values_list("organisation", flat=True))

    assert seen_by(chain.operator) == {first.pk, second.pk}
    assert seen_by(first) == {first.pk, second.pk}
    assert seen_by(second) == seen_by(second, below=False) == {second.pk}
    assert seen_by(chain.customer) == set()


def test_nobody_grants_themselves_a_rule_or_changes_their_own(chain):
    first, second = chain.agents

    for below in (True, False):
        with second.downline_scope() if below else second.scope():
            assert not CommissionRule.objects.filter(organisation=second).update(basis_points=10_000)
            for payer in (first, second, chain.operator):
                with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
                    CommissionRule.objects.create(
                        organisation=second, basis="traffic", basis_points=10_000, paid_by=payer
                    )


def test_nobody_makes_somebody_else_pay(chain):
    first, second = chain.agents

    with first.downline_scope(), pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        CommissionRule.objects.create(organisation=second, basis="traffic", basis_points=1, paid_by=chain.operator)


def test_the_web_makes_no_entries(chain):
    first, second = chain.agents
    rule = CommissionRule.objects.get(organisation=second)

    with first.downline_scope(), pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        CommissionEntry.objects.create(
            organisation=second, rule=rule, customer=chain.customer, sale_reference="settlement:x", sale_amount=1,
            amount=1, currency="GBP", earned_at=timezone.now(),
        )  # fmt: skip


def test_a_rule_is_set_by_the_seller_directly_above_only(chain):
    first, second = chain.agents

    for seller, agent in [(chain.operator, second), (second, second), (second, first), (second, chain.customer)]:
        with seller.downline_scope(), pytest.raises(NotYourReseller):
            set_commission_rule(seller=seller, agent=agent, basis="traffic", basis_points=100)


def test_the_same_rule_again_changes_nothing(chain):
    before = set(CommissionRule.objects.values_list("pk", "ended_at"))

    earns(chain.agents[0], 500, basis=PACKAGES)

    assert set(CommissionRule.objects.values_list("pk", "ended_at")) == before
