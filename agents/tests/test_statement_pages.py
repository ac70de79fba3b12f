"""A reseller's month: what it earned, on the page and in a file."""

import pytest

from accounts.models import Organisation
from accounts.tests.factories import make_agent, signed_in
from agents.actions import accrue_recent_commission
from billing.ledger.models import Account
from kit.money import money

from .factories import PACKAGES, buy, deliver, earns, make_chain, pot, refund
from .pages import page

pytestmark = pytest.mark.django_db
MARGIN, COMMISSION = Account.Kind.MARGIN, Account.Kind.COMMISSION


def test_a_statement_is_the_ledger(world):
    earns(world.agent, 500)
    earns(world.agent, 1_000, basis=PACKAGES)
    deliver(world, 2)
    refund(buy(world.customer, "20.00"), "20.00")
    buy(world.customer, "5.00")
    accrue_recent_commission()

    [total] = page(signed_in(world.agent), "statement").context["statement"].totals

    assert total.margin == pot(world.agent, MARGIN) == money("0.02")
    assert total.commission == pot(world.agent, COMMISSION) == money("0.504")
    assert (total.on_traffic, total.on_packages, total.taken_back) == (money("0.004"), money("2.5"), -money("2"))


def test_the_operator_sees_the_statement_of_a_reseller(world):
    deliver(world)

    answer = page(signed_in(world.operator), "account_statement", world.agent.pk)

    assert answer.context["statement"].totals[0].margin == money("0.01")


def test_an_agent_above_sees_the_statement_below_and_not_the_other_way_round():
    chain = make_chain(2)
    earns(chain.agents[0], 700, basis=PACKAGES)
    earns(chain.agents[1], 300, basis=PACKAGES)
    buy(chain.customer, "100.00")
    accrue_recent_commission()

    above = page(signed_in(chain.agents[0]), "account_statement", chain.agents[1].pk).context["statement"]
    own = page(signed_in(chain.agents[1]), "statement").context["statement"]

    assert [one.commission for one in above.totals] == [one.commission for one in own.totals] == [money("3.00")]


def test_a_month_that_is_none_is_not_found():
    client = signed_in(make_agent())

    for month in ("2026-13", "x", "2026", "١٢٣٤-٠١", "9999999-01", "2026-1", "", "2026-11\n"):
        assert page(client, "statement", month=month).status_code == 404


def test_a_month_without_earnings_says_so(world):
    answer = page(signed_in(world.agent), "statement", month="2020-02")

    assert answer.status_code == 200
    assert answer.context["statement"].lines == []


def test_the_file_runs_in_no_spreadsheet(world):
    Organisation.objects.filter(pk=world.customer.pk).update(name='=HYPERLINK("http://evil.example")')
    deliver(world)

    lines = b"".join(page(signed_in(world.agent), "statement_csv").streaming_content).decode().splitlines()

    assert lines[1].startswith("\"'=HYPERLINK(")
    assert ",0.01," in lines[1]
