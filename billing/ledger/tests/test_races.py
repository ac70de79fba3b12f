"""Sixteen threads and one small balance.  Each guard has a sabotage twin: the same race without it, seen to fail."""

import pytest
from django.db import transaction

from accounts.tests.factories import make_agent, make_customer, make_user
from billing.ledger import actions
from billing.ledger.actions import Move, account_of, hold, post, transfer_credit
from billing.ledger.books import problems
from billing.ledger.errors import InsufficientBalance
from billing.ledger.models import Account, Reason, Transfer
from billing.ledger.queries import balance_of, wallet_of
from kit.money import money
from kit.tests.racing import race_often

from .factories import fund

pytestmark = pytest.mark.django_db(transaction=True)
THREADS, TRIES, REACHES = 16, 5, 20
PRICE = money("0.25")


@pytest.fixture
def customer():
    customer = make_customer()
    fund(customer, "5.00")  # twenty times the price
    account_of(customer, Account.Kind.HOLD, "GBP")
    return customer


def broken():
    """The invariants that don't hold, but for the one about messages: here money is set aside for none."""
    return {problem.invariant for problem in problems() if "messages on their way" not in problem.invariant}


def spend(customer):
    def attempt(number, turn):
        try:
            with customer.scope():
                hold(organisation=customer, currency="GBP", amount=PRICE, reference=f"{number}:{turn}")
        except InsufficientBalance:
            return False
        return True

    return attempt


def test_a_balance_for_twenty_grants_exactly_twenty(customer):
    granted = race_often(spend(customer))

    wallet = wallet_of(customer)
    assert (granted, wallet.balance, wallet.held) == (REACHES, 0, REACHES * PRICE)
    assert Transfer.objects.filter(reason=Reason.HOLD).count() == REACHES


def test_sabotage_a_balance_read_and_written_back_grants_more_than_there_is(customer, monkeypatch):
    def read_then_write(*moves):
        [move] = moves
        with transaction.atomic():
            left = Account.objects.get(pk=move.source.pk).balance - move.amount
            if left < 0:
                raise InsufficientBalance(needed=move.amount, available=left + move.amount, currency="GBP")
            Account.objects.filter(pk=move.source.pk).update(balance=left)
            Transfer.objects.create(
                source=move.source, target=move.target, organisation=customer, target_organisation=customer,
                amount=move.amount, currency="GBP", reason=move.reason, reference=move.reference,
            )  # fmt: skip

    monkeypatch.setattr(actions, "post", read_then_write)

    assert race_often(spend(customer)) > REACHES
    assert "A cached balance is the sum of the account's transfers" in broken()


def test_sabotage_without_its_guard_the_statement_runs_into_the_databases_own(customer, monkeypatch):
    unguarded = actions._MAKE.replace("pot.balance + wanted.change < pot.floor", "false")
    assert unguarded != actions._MAKE
    monkeypatch.setattr(actions, "_MAKE", unguarded)

    with pytest.raises(ExceptionGroup) as trouble:
        race_often(spend(customer))

    assert "balance_not_below_floor" in str(trouble.value.exceptions)
    assert wallet_of(customer).balance == 0


def test_sabotage_without_the_lock_the_statement_runs_into_the_databases_own(customer, monkeypatch):
    monkeypatch.setattr(actions, "_LOCK", actions._LOCK.removesuffix("FOR NO KEY UPDATE"))

    with pytest.raises(ExceptionGroup) as trouble:
        race_often(spend(customer))

    assert "balance_not_below_floor" in str(trouble.value.exceptions)
    assert wallet_of(customer).balance == 0


def test_one_reference_posted_by_all_at_once_moves_once(customer):
    def attempt(number, turn):
        with customer.scope():
            hold(organisation=customer, currency="GBP", amount=PRICE, reference=f"same:{turn}")
        return True

    race_often(attempt)

    assert wallet_of(customer).held == TRIES * PRICE
    assert broken() == set()


def test_a_reference_moves_once_also_when_nothing_is_locked(customer, monkeypatch):
    """The lock only keeps deadlocks away: what makes a reference count once is its uniqueness."""
    monkeypatch.setattr(actions, "_LOCK", actions._LOCK.removesuffix("FOR NO KEY UPDATE"))

    race_often(lambda number, turn: bool(spend(customer)(0, turn)) or True)

    assert wallet_of(customer).held == TRIES * PRICE


def test_opposite_batches_do_not_deadlock():
    agent = make_agent()
    one, two = make_customer(parent=agent), make_customer(parent=agent)
    for organisation in (one, two):
        fund(organisation, "100.00")
    wallets = [account_of(organisation, Account.Kind.WALLET, "GBP") for organisation in (one, two)]

    def attempt(number, turn):
        source, target = wallets if number % 2 else reversed(wallets)
        with agent.downline_scope():
            post(*(Move(source, target, 1, Reason.ADJUSTMENT, f"{number}:{turn}:{part}") for part in range(3)))
        return True

    assert race_often(attempt) == THREADS * TRIES
    assert sum(wallet_of(organisation).balance for organisation in (one, two)) == money("200.00")
    assert broken() == set()


def test_an_agent_gives_away_no_more_than_it_has():
    agent = make_agent()
    children = [make_customer(parent=agent) for _ in range(4)]
    fund(agent, "5.00")
    by = make_user()

    def attempt(number, turn):
        try:
            with agent.downline_scope():
                transfer_credit(
                    source_organisation=agent,
                    target_organisation=children[number % 4],
                    amount=PRICE,
                    by=by,
                    reference=f"{number}:{turn}",
                )
        except InsufficientBalance:
            return False
        return True

    assert race_often(attempt) == REACHES
    assert sum(wallet_of(child).balance for child in children) == money("5.00")


def test_a_pot_first_used_by_all_at_once_is_opened_once(customer):
    made = []

    def attempt(number, turn):
        with customer.scope():
            made.append(account_of(customer, Account.Kind.WALLET, "CNY").pk)
        return True

    race_often(attempt, tries=1)

    assert len(set(made)) == 1
    assert balance_of(Account.objects.get(pk=made[0])) == 0
