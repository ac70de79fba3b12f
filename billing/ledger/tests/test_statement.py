"""A wallet's movements, page by page and all at once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.tests.factories import make_agent, make_customer, signed_in
from billing.ledger import queries
from billing.ledger.actions import hold
from billing.ledger.models import Account
from billing.ledger.queries import Statement, statement
from billing.ledger.tables import StatementTable
from billing.ledger.tests.factories import fund
from kit.money import money

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer():
    customer = make_customer()
    fund(customer, "10.00")
    for number in range(6):
        hold(organisation=customer, currency=customer.currency, amount=money("1"), reference=f"m{number}")
    return customer


def whole(customer) -> Statement:
    now = timezone.now()
    return statement(customer, begin=now - timedelta(days=1), end=now + timedelta(days=1))


@pytest.mark.parametrize("portion", [1, 2, 3, 7, 100])
def test_all_movements_are_read_once_whatever_the_portion(customer, monkeypatch, portion):
    monkeypatch.setattr(queries, "PORTION", portion)

    with customer.scope():
        balances = [one.balance for one in whole(customer).movements]

    assert balances == [money(str(amount)) for amount in (4, 5, 6, 7, 8, 9, 10)]


@pytest.mark.parametrize("place", [slice(0, 2), slice(2, 5), slice(5, 7), slice(6, 50), slice(7, 9)])
def test_a_page_says_what_the_whole_statement_says_there(customer, place):
    with customer.scope():
        movements = whole(customer).movements

        assert movements[place] == list(movements)[place]


def test_a_movement_is_its_wallets_alone(customer):
    other = make_customer()
    fund(other, "3.00")

    with other.scope():
        found = whole(other)
        [only] = found.movements

    assert (only.change, only.balance) == (money("3"), money("3"))
    assert (found.opening, found.closing, len(found.movements)) == (0, money("3"), 1)


def test_a_wallet_that_was_never_used_has_no_movements():
    stranger = make_agent()
    assert not Account.objects.filter(organisation=stranger).exists()

    with stranger.scope():
        found = whole(stranger)

        assert (found.opening, found.closing, list(found.movements), found.movements[0:50]) == (0, 0, [], [])


def test_what_a_movement_was_about_is_a_link_where_it_has_a_page(customer):
    id = "01a1d78e-5e16-74c8-b7dd-d442b3234a20"
    for number, subject in enumerate((f"campaign:{id}", "campaign:<b>", "=1+1", "")):
        hold(
            organisation=customer, currency=customer.currency, amount=money("0.1"), reference=f"s{number}",
            subject=subject,
        )  # fmt: skip

    page = signed_in(customer).get("/billing/wallet/").content.decode()

    assert page.count(f'<a class="prime" href="/campaigns/{id}/">') == 1
    assert page.count('<span class="prime">') == 10


def test_every_movement_of_a_kind_has_the_same_words(customer):
    with customer.scope():
        shown = StatementTable(whole(customer).movements)
        words = {str(row.get_cell("reason")) for row in shown.rows}

    assert len(words) == 2
