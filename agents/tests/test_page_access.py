"""Who may open a reseller's pages, and whom they never name."""

from uuid import uuid4

import pytest

from accounts.models import AuditEntry, Organisation
from accounts.tests.factories import make_agent, make_customer, signed_in
from agents.models import CommissionRule
from billing.pricing.tests.factories import make_price_book

from .factories import make_chain
from .pages import page, send

pytestmark = pytest.mark.django_db
OWN_PAGES = ("accounts", "accounts_csv", "account_new", "prices", "price_list_new", "brand", "palette")
STATEMENTS = ("statement", "statement_csv")
ACCOUNT_PAGES = ("account", "account_suspend", "account_resume", "account_statement", "account_statement_csv")
ACCOUNT_FORMS = ("account_credit", "account_prices", "account_commission", "account_suspend", "account_resume")


def answers(client, names=OWN_PAGES) -> set[int]:
    return {page(client, name).status_code for name in names}


def test_an_agent_opens_its_own_pages(world):
    assert answers(signed_in(world.agent), [*OWN_PAGES, *STATEMENTS]) == {200}


def test_the_operator_has_the_same_pages_but_no_statement(world):
    assert answers(signed_in(world.operator)) == {200}
    assert answers(signed_in(world.operator), STATEMENTS) == {404}


def test_a_customer_has_none_of_them():
    assert answers(signed_in(make_customer()), [*OWN_PAGES, *STATEMENTS]) == {404}


def test_a_visitor_is_asked_to_sign_in(client):
    assert answers(client, [*OWN_PAGES, *STATEMENTS]) == {302}


def strangers(agent) -> list[Organisation]:
    """Everybody an agent must not see: itself as its own account, who is above, beside, and below who is beside."""
    beside = make_agent()
    return [agent, agent.parent, beside, make_customer(parent=beside), make_customer()]


def test_who_is_above_or_beside_is_not_found():
    chain = make_chain(2)
    client = signed_in(chain.agents[1])
    hidden = [one.pk for one in [*strangers(chain.agents[1]), chain.agents[0]]] + [uuid4()]

    assert {page(client, name, id).status_code for name in ACCOUNT_PAGES for id in hidden} == {404}


def test_nothing_is_done_to_who_is_above_or_beside():
    chain = make_chain(2)
    client = signed_in(chain.agents[1])
    data = {"direction": "take", "amount": "1", "token": uuid4(), "reason": "x", "traffic": 1, "packages": 1}
    hidden = [one.pk for one in [*strangers(chain.agents[1]), chain.agents[0]]]

    assert {send(client, name, id, **data).status_code for name in ACCOUNT_FORMS for id in hidden} == {404}
    assert not AuditEntry.objects.exclude(action="organisation.created").exists()
    assert not Organisation.objects.filter(is_stopped=True).exists()
    assert not CommissionRule.objects.exists()


def test_a_customer_and_a_reseller_without_the_role_change_nothing():
    chain = make_chain(1)
    reader = signed_in(chain.agents[0], "read_only")

    assert page(reader, "accounts").status_code == 200
    assert page(reader, "account_new").status_code == 403
    for name in ACCOUNT_FORMS:
        assert send(reader, name, chain.customer.pk, amount="1", reason="x").status_code == 403


def test_another_agents_price_list_is_not_found(world):
    theirs = make_price_book(make_agent(), {"notice": "0.05"})
    client = signed_in(world.agent)

    assert page(client, "price_list", theirs.pk).status_code == 404
    assert send(client, "price_list_publish", theirs.pk, do="publish", **{"other-notice": "0.09"}).status_code == 404
    assert send(client, "account_prices", world.customer.pk, book=theirs.pk).status_code == 422
