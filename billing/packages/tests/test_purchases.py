import threading

import pytest
from django.db import connection

from accounts.actions import suspend_organisation
from accounts.models import AuditEntry
from accounts.tests.factories import make_customer, make_operator, make_user
from billing.ledger.actions import account_of, hold
from billing.ledger.books import problems
from billing.ledger.errors import InsufficientBalance
from billing.ledger.models import Account, Transfer
from billing.ledger.queries import balance_of, wallet_of
from billing.packages import actions, allowance
from billing.packages.errors import AmountOutOfRange, NotForSale, NotRefundable, PaymentMismatch
from billing.packages.events import purchase_paid, purchase_refunded
from billing.packages.models import Allowance, Purchase
from kit import tenancy
from kit.errors import Invalid, NotFound
from kit.ids import uuid7
from kit.money import money

from .factories import make_package, make_purchase, payment_for

pytestmark = pytest.mark.django_db
Status = Purchase.Status


def house_account(kind):
    return balance_of(account_of(make_operator(), kind, "GBP"))


def heard(signal):
    facts = []

    def hear(sender, **fact):
        facts.append(fact["purchase_id"])

    signal.connect(hear, weak=False)
    return facts, lambda: signal.disconnect(hear)


def test_a_paid_package_becomes_an_allowance():
    customer = make_customer()
    purchase = make_purchase(customer, package=make_package(segments=1000, bonus_segments=50, valid_days=30))

    assert actions.complete_purchase(payment=payment_for(purchase))

    purchase.refresh_from_db()
    lot = purchase.allowance
    assert (purchase.status, lot.segments, lot.taken) == (Status.PAID, 1050, 0)
    assert (lot.expires_at - purchase.paid_at).days == 30
    assert house_account(Account.Kind.REVENUE) == money("30.00")
    assert house_account(Account.Kind.CLEARING) == -money("30.00")
    assert problems() == []


def test_a_paid_top_up_is_in_the_wallet():
    customer = make_customer()
    purchase = make_purchase(customer, amount="25.50")

    actions.complete_purchase(payment=payment_for(purchase))

    assert wallet_of(customer).balance == money("25.50")
    assert house_account(Account.Kind.REVENUE) == 0
    assert problems() == []


def test_whoever_has_paid_is_no_longer_on_trial():
    customer = make_customer(status="trial")
    purchase = make_purchase(customer, amount="20.00")

    with tenancy.as_engine():
        actions.complete_purchase(payment=payment_for(purchase))

    customer.refresh_from_db()
    assert customer.status == "active"


def test_a_trial_that_was_stopped_when_its_money_came_stays_stopped_and_resumes_as_active():
    operator, customer = make_operator(), make_customer(status="trial")
    purchase = make_purchase(customer, amount="20.00")
    with operator.downline_scope():
        suspend_organisation(organisation=customer, by=make_user(), reason="Unclear")

    with tenancy.as_engine():
        actions.complete_purchase(payment=payment_for(purchase))

    customer.refresh_from_db()
    assert (customer.status, customer.resumes_as) == ("suspended", "active")


def test_a_purchase_is_granted_once_however_often_it_is_paid(django_capture_on_commit_callbacks):
    paid, forget = heard(purchase_paid)
    purchase = make_purchase(make_customer())

    with django_capture_on_commit_callbacks(execute=True):
        granted = [actions.complete_purchase(payment=payment_for(purchase)) for _ in range(3)]
    forget()

    assert granted == [True, False, False]
    assert Allowance.objects.count() == Transfer.objects.count() == 1
    assert paid == [purchase.pk]
    assert AuditEntry.objects.filter(action="purchase.paid").count() == 1


@pytest.mark.parametrize(
    "_case, changes",
    [
        ("less", {"amount": 2999}),
        ("more", {"amount": 3001}),
        ("another currency", {"currency": "usd"}),
        ("test money for a live purchase or the other way round", {"is_live": True}),
        ("another session", {"session_reference": "cs_test_other"}),
    ],
)
def test_a_payment_that_differs_from_what_was_asked_grants_nothing(_case, changes):
    purchase = make_purchase(make_customer())

    with pytest.raises(PaymentMismatch):
        actions.complete_purchase(payment=payment_for(purchase, **changes))

    purchase.refresh_from_db()
    assert purchase.status == Status.PENDING
    assert not Allowance.objects.exists()
    assert not Transfer.objects.exists()


def test_a_payment_for_a_purchase_nobody_made_is_not_ours():
    purchase = make_purchase(make_customer())

    with pytest.raises(NotFound):
        actions.complete_purchase(payment=payment_for(purchase, purchase_id=uuid7()))


def test_money_that_came_late_is_granted_all_the_same():
    purchase = make_purchase(make_customer())
    assert actions.expire_purchase(purchase_id=purchase.pk)

    assert actions.complete_purchase(payment=payment_for(purchase))

    assert not actions.expire_purchase(purchase_id=purchase.pk)
    assert problems() == []


@pytest.mark.parametrize("amount", ["4.99", "50000.01", "10.001", "-5", "0"])
def test_only_sensible_amounts_can_be_paid_in(amount):
    with pytest.raises(AmountOutOfRange):
        make_purchase(make_customer(), amount=amount)


def test_a_package_is_sold_only_as_the_catalogue_has_it():
    customer = make_customer()
    retired, foreign = make_package(), make_package(currency="CNY")
    actions.retire_package(package=retired)
    retired.refresh_from_db()

    for package in (retired, foreign):
        with pytest.raises(NotForSale):
            actions.start_purchase(organisation=customer, package=package, by=make_user())
    with pytest.raises(Invalid):
        make_package(price="0.001")


def test_an_unused_package_can_be_given_back(django_capture_on_commit_callbacks):
    refunded, forget = heard(purchase_refunded)
    customer = make_customer()
    purchase = make_purchase(customer)
    payment = payment_for(purchase)
    actions.complete_purchase(payment=payment)

    with django_capture_on_commit_callbacks(execute=True):
        with customer.scope():
            actions.withdraw_purchase(purchase=purchase)
        news = [refund(purchase, payment) for _ in range(2)]
    forget()

    purchase.refresh_from_db()
    assert news == [True, False]
    assert (purchase.status, purchase.refunded_amount) == (Status.REFUNDED, money("30.00"))
    assert house_account(Account.Kind.REVENUE) == house_account(Account.Kind.CLEARING) == 0
    assert refunded == [purchase.pk]
    assert problems() == []


def test_a_package_that_was_used_is_not_given_back():
    customer = make_customer()
    purchase = make_purchase(customer)
    actions.complete_purchase(payment=payment_for(purchase))
    allowance.take(organisation=customer, wanted=[(0, "GB", "notice", 1)], reference="batch")

    with customer.scope(), pytest.raises(NotRefundable, match="sent from this package"):
        actions.withdraw_purchase(purchase=purchase)

    assert Allowance.objects.get().withdrawn_at is None


@pytest.mark.django_db(transaction=True)
def test_a_package_is_not_given_back_while_a_message_is_taken_from_it():
    customer = make_customer()
    purchase = make_purchase(customer)
    actions.complete_purchase(payment=payment_for(purchase))
    said = []

    def withdraw():
        try:
            with customer.scope():
                actions.withdraw_purchase(purchase=purchase)
        except NotRefundable as refusal:
            said.append(refusal)
        finally:
            connection.close()

    giving_back = threading.Thread(target=withdraw)
    with customer.scope():
        allowance.take(organisation=customer, wanted=[(0, "GB", "notice", 1)], reference="batch")
        giving_back.start()
        giving_back.join(timeout=1)
        assert giving_back.is_alive()  # it waits for the taking to end
    giving_back.join()

    assert said
    assert Allowance.objects.get().withdrawn_at is None


def test_a_package_taken_back_cannot_be_used():
    customer = make_customer()
    purchase = make_purchase(customer)
    actions.complete_purchase(payment=payment_for(purchase))
    actions.withdraw_purchase(purchase=purchase)

    assert allowance.take(organisation=customer, wanted=[(0, "GB", "notice", 1)], reference="batch") == {}

    actions.reinstate_purchase(purchase_id=purchase.pk)
    assert allowance.take(organisation=customer, wanted=[(0, "GB", "notice", 1)], reference="batch")


def test_a_part_given_back_by_hand_moves_its_money_and_leaves_the_package():
    purchase = make_purchase(make_customer())
    payment = payment_for(purchase)
    actions.complete_purchase(payment=payment)

    assert refund(purchase, payment, 1000)
    assert not refund(purchase, payment, 1000)
    assert house_account(Account.Kind.REVENUE) == money("20.00")
    assert Allowance.objects.get().withdrawn_at is None

    assert refund(purchase, payment, 3000)
    assert house_account(Account.Kind.REVENUE) == 0
    assert Allowance.objects.get().withdrawn_at is not None
    assert problems() == []


@pytest.mark.parametrize(
    "_case, changes",
    [
        ("more than was paid", {"refunded": 3001}),
        ("another payment", {"payment_reference": "pi_other"}),
        ("another currency", {"currency": "usd"}),
    ],
)
def test_a_refund_that_does_not_fit_moves_nothing(_case, changes):
    purchase = make_purchase(make_customer())
    payment = payment_for(purchase)
    actions.complete_purchase(payment=payment)

    with pytest.raises(PaymentMismatch):
        refund(purchase, payment, **changes)

    assert house_account(Account.Kind.REVENUE) == money("30.00")


def test_a_refund_of_a_top_up_already_spent_is_for_a_person_to_decide():
    customer = make_customer()
    purchase = make_purchase(customer, amount="10.00")
    payment = payment_for(purchase)
    actions.complete_purchase(payment=payment)
    hold(organisation=customer, currency="GBP", amount=money("4.00"), reference="m")

    with pytest.raises(InsufficientBalance):
        refund(purchase, payment, 1000)

    assert wallet_of(customer).balance == money("6.00")


def refund(purchase, payment, refunded=3000, **changes):
    return actions.record_refund(
        **{
            "purchase_id": purchase.pk,
            "payment_reference": payment.payment_reference,
            "refunded": refunded,
            "currency": "gbp",
            **changes,
        }
    )
