"""Credit a reseller gives to an account, and takes back."""

from uuid import uuid4

import pytest

from accounts.models import AuditEntry
from accounts.tests.factories import signed_in
from billing.ledger.actions import hold
from billing.ledger.models import Account
from billing.ledger.queries import wallet_of
from billing.ledger.tests.factories import fund
from kit.money import money

from .factories import make_chain, pot
from .pages import send

pytestmark = pytest.mark.django_db


def credit(client, account, amount, direction="give", token=None):
    return send(client, "account_credit", account.pk, direction=direction, amount=amount, token=token or uuid4())


def test_credit_sent_twice_moves_once(world):
    fund(world.agent, "100.00")
    client, token = signed_in(world.agent), uuid4()

    for _click in range(2):
        assert credit(client, world.customer, "30", token=token).status_code == 302

    assert wallet_of(world.customer).balance == money("40.00")
    assert AuditEntry.objects.filter(organisation=world.customer, action="credit.given").count() == 1
    assert AuditEntry.objects.filter(organisation=world.agent, action="credit.given").count() == 1


def test_the_same_token_with_another_amount_is_refused(world):
    fund(world.agent, "100.00")
    client, token = signed_in(world.agent), uuid4()
    credit(client, world.customer, "30", token=token)

    assert credit(client, world.customer, "31", token=token).status_code == 422
    assert wallet_of(world.customer).balance == money("40.00")


def test_an_unusable_amount_moves_nothing(world):
    fund(world.agent, "100.00")
    client = signed_in(world.agent)

    for amount in ("0", "-5", "", "x", "1e3000", "0.001", "NaN", "Infinity", "99999999999999999"):
        answer = credit(client, world.customer, amount)
        assert answer.status_code == 422
        assert answer.context["credit_form"].errors["amount"]

    assert wallet_of(world.agent).balance == money("100.00")


def test_more_than_the_wallet_holds_is_refused_at_the_field(world):
    answer = credit(signed_in(world.agent), world.customer, "0.01")

    assert answer.context["credit_form"].errors["amount"]


def test_credit_comes_back_up_to_what_was_given_and_is_still_there(world):
    fund(world.agent, "100.00")
    client = signed_in(world.agent)
    credit(client, world.customer, "20")  # beside the 10.00 the customer paid in itself

    assert credit(client, world.customer, "20.01", "take").status_code == 422
    assert credit(client, world.customer, "15", "take").status_code == 302
    assert credit(client, world.customer, "5.01", "take").status_code == 422

    assert wallet_of(world.customer).balance == money("15.00")
    assert wallet_of(world.agent).balance == money("95.00")


def test_what_is_spent_cannot_be_taken_back_not_even_into_a_credit_line():
    chain = make_chain(1)
    fund(chain.agents[0], "10.00")
    client = signed_in(chain.agents[0])
    credit(client, chain.customer, "10")
    Account.objects.filter(organisation=chain.customer, kind="wallet").update(floor=-money("50"))
    with chain.customer.scope():
        hold(organisation=chain.customer, currency="GBP", amount=money("8"), reference="x")

    assert credit(client, chain.customer, "2.01", "take").status_code == 422
    assert credit(client, chain.customer, "2.00", "take").status_code == 302


def test_credit_is_taken_back_from_direct_accounts_only():
    chain = make_chain(2)
    fund(chain.agents[0], "10.00")
    client = signed_in(chain.agents[0])
    credit(client, chain.customer, "5")

    assert credit(client, chain.customer, "1", "take").status_code == 422
    assert wallet_of(chain.customer).balance == money("5.00")


def test_the_operator_gives_from_its_promotion_pot():
    chain = make_chain(1)

    assert credit(signed_in(chain.operator), chain.agents[0], "500").status_code == 302
    assert wallet_of(chain.agents[0]).balance == money("500.00")
    assert pot(chain.operator, Account.Kind.PROMOTION) == -money("500.00")
