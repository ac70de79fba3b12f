import pytest
from django.db import IntegrityError, transaction

from accounts.tests.factories import make_agent, make_customer, make_operator
from billing.ledger.actions import Move, account_of, accounts_of, hold, post, set_credit_line, transfer
from billing.ledger.errors import CreditInUse, CurrencyMismatch, InsufficientBalance, ReferenceTaken
from billing.ledger.models import Account, Reason, Transfer
from billing.ledger.queries import balance_of, wallet_of
from kit.errors import NotFound
from kit.money import money
from kit.tests.history import ROLES, expect_refusal

from .factories import fund

pytestmark = pytest.mark.django_db
WALLET, HOLD, REVENUE = Account.Kind.WALLET, Account.Kind.HOLD, Account.Kind.REVENUE


@pytest.fixture
def customer():
    customer = make_customer()
    fund(customer, "10.00")
    return customer


def set_aside(customer, amount, reference="m1"):
    hold(organisation=customer, currency="GBP", amount=money(amount), reference=reference)


def test_a_hold_moves_money_from_the_wallet_aside(customer):
    with customer.scope():
        set_aside(customer, "4.00")

        wallet = wallet_of(customer)
    assert (wallet.balance, wallet.held, wallet.available) == (money("6.00"), money("4.00"), money("6.00"))


def test_posting_the_same_reference_twice_moves_the_money_once(customer):
    wallet, held = account_of(customer, WALLET, "GBP"), account_of(customer, HOLD, "GBP")
    move = Move(wallet, held, money("3.00"), Reason.HOLD, "m1")

    [first], [second] = post(move), post(move)

    assert first == second
    assert wallet_of(customer).balance == money("7.00")


def test_of_a_batch_only_the_new_references_move(customer):
    wallet, held = account_of(customer, WALLET, "GBP"), account_of(customer, HOLD, "GBP")
    old = Move(wallet, held, money("1.00"), Reason.HOLD, "old")
    post(old)

    transfers = post(Move(wallet, held, money("2.00"), Reason.HOLD, "new"), old)

    assert [transfer.reference for transfer in transfers] == ["new", "old"]
    assert wallet_of(customer).balance == money("7.00")


def test_a_batch_that_does_not_reach_moves_nothing(customer):
    wallet, held = account_of(customer, WALLET, "GBP"), account_of(customer, HOLD, "GBP")
    before = Transfer.objects.count()

    with pytest.raises(InsufficientBalance) as refusal:
        post(
            Move(wallet, held, money("6.00"), Reason.HOLD, "a"),
            Move(wallet, held, money("6.00"), Reason.HOLD, "b"),
        )

    assert refusal.value.details == {"needed": "12", "available": "10", "currency": "GBP"}
    assert Transfer.objects.count() == before
    assert wallet_of(customer).balance == money("10.00")


def test_the_whole_balance_can_be_spent_and_not_a_micro_more(customer):
    set_aside(customer, "10.00", "all")

    with pytest.raises(InsufficientBalance):
        set_aside(customer, "0.000001", "more")

    assert wallet_of(customer).balance == 0


def test_a_reference_cannot_be_used_for_another_amount(customer):
    set_aside(customer, "1.00", "m1")

    with pytest.raises(ReferenceTaken):
        set_aside(customer, "2.00", "m1")

    assert wallet_of(customer).balance == money("9.00")


def test_one_batch_cannot_use_a_reference_for_two_things(customer):
    wallet, held = account_of(customer, WALLET, "GBP"), account_of(customer, HOLD, "GBP")

    with pytest.raises(ReferenceTaken):
        post(
            Move(wallet, held, money("1.00"), Reason.HOLD, "same"),
            Move(wallet, held, money("2.00"), Reason.HOLD, "same"),
        )

    assert wallet_of(customer).balance == money("10.00")


def test_a_reference_taken_out_of_sight_leaves_nothing_of_the_whole(customer):
    stranger = make_customer()
    fund(stranger, "5.00")
    set_aside(stranger, "1.00", "taken")
    wallet, held = account_of(customer, WALLET, "GBP"), account_of(customer, HOLD, "GBP")

    with customer.scope(), pytest.raises(ReferenceTaken):
        post(Move(wallet, held, 1, Reason.HOLD, "mine"), Move(wallet, held, 1, Reason.HOLD, "taken"))

    assert wallet_of(customer).held == 0
    assert not Transfer.objects.filter(reference="mine").exists()


def test_a_move_of_nothing_leaves_no_transfer(customer):
    wallet, held = account_of(customer, WALLET, "GBP"), account_of(customer, HOLD, "GBP")

    assert post(Move(wallet, held, 0, Reason.HOLD, "nothing")) == []
    assert not Transfer.objects.filter(reference="nothing").exists()


def test_a_negative_amount_is_a_mistake(customer):
    wallet, held = account_of(customer, WALLET, "GBP"), account_of(customer, HOLD, "GBP")

    with pytest.raises(ValueError, match="forward"):
        post(Move(wallet, held, -1, Reason.HOLD, "back"))


def test_two_currencies_never_meet(customer):
    pounds, yuan = account_of(customer, WALLET, "GBP"), account_of(customer, WALLET, "CNY")

    with pytest.raises(CurrencyMismatch):
        transfer(source=pounds, target=yuan, amount=1, reason=Reason.ADJUSTMENT, reference="x")

    assert wallet_of(customer).balance == money("10.00")


def test_a_pot_without_a_floor_keeps_no_balance_but_has_one(customer):
    house = make_operator()
    clearing = account_of(house, Account.Kind.CLEARING, "GBP")

    assert clearing.balance is None
    assert balance_of(clearing) == -money("10.00")


def test_pots_are_opened_once(customer):
    pots = [(customer.pk, WALLET, "GBP"), (customer.pk, HOLD, "GBP"), (make_operator().pk, REVENUE, "GBP")]

    first, again = accounts_of(pots), accounts_of(pots)

    assert {pot: account.pk for pot, account in first.items()} == {pot: account.pk for pot, account in again.items()}


def test_many_moves_take_as_few_statements_as_one(customer, django_assert_num_queries):
    wallet, held = account_of(customer, WALLET, "GBP"), account_of(customer, HOLD, "GBP")

    with django_assert_num_queries(2):  # lock, move
        post(*(Move(wallet, held, 1, Reason.HOLD, f"many:{n}") for n in range(500)))

    assert wallet_of(customer).held == 500


def test_the_credit_line_is_how_far_a_wallet_goes_below_zero(customer):
    set_credit_line(organisation=customer, amount=money("5.00"))

    set_aside(customer, "15.00", "all")

    assert wallet_of(customer).available == 0
    with pytest.raises(InsufficientBalance):
        set_aside(customer, "0.01", "more")
    with pytest.raises(CreditInUse):
        set_credit_line(organisation=customer, amount=money("4.99"))


def test_the_web_cannot_move_the_money_of_somebody_else(customer):
    stranger = make_customer()
    fund(stranger, "5.00")
    theirs = account_of(stranger, WALLET, "GBP")
    own = account_of(customer, WALLET, "GBP")

    with customer.scope(), pytest.raises(NotFound):
        transfer(source=theirs, target=own, amount=1, reason=Reason.ADJUSTMENT, reference="theft")

    assert wallet_of(stranger).balance == money("5.00")


def test_an_agent_reaches_the_wallets_below_it():
    agent = make_agent()
    child = make_customer(parent=agent)
    fund(agent, "5.00")
    source, target = account_of(agent, WALLET, "GBP"), account_of(child, WALLET, "GBP")

    with agent.downline_scope():
        transfer(source=source, target=target, amount=money("2.00"), reason=Reason.CREDIT, reference="gift")

    assert (wallet_of(agent).balance, wallet_of(child).balance) == (money("3.00"), money("2.00"))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "statement",
    ["UPDATE ledger_transfer SET amount = 1", "DELETE FROM ledger_transfer", "TRUNCATE ledger_transfer CASCADE"],
)
def test_history_is_never_edited_not_even_by_the_owner_of_the_table(customer, role, statement):
    expect_refusal(statement, role=role)

    assert Transfer.objects.get().amount == money("10.00")


def test_the_database_itself_refuses_a_balance_below_the_floor(customer):
    with pytest.raises(IntegrityError, match="balance_not_below_floor"), transaction.atomic():
        Account.objects.filter(organisation=customer, kind=WALLET).update(balance=-1)
