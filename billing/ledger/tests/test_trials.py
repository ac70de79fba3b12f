import pytest

from accounts.models import Organisation
from accounts.tests.factories import make_agent, make_customer, make_operator
from billing.ledger.models import Account, Reason, Transfer
from billing.ledger.queries import wallet_of
from billing.ledger.tasks import grant_missing_trials, grant_trial
from kit.money import money

pytestmark = pytest.mark.django_db
TRIAL = Organisation.Status.TRIAL


def test_whoever_signs_up_gets_trial_credit(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        customer = make_customer(status=TRIAL)

    assert wallet_of(customer).balance == money("5.00")
    transfer = Transfer.objects.get(target_organisation=customer)
    assert (transfer.reason, transfer.source.kind) == (Reason.TRIAL, Account.Kind.PROMOTION)
    assert transfer.source.organisation == make_operator()


def test_trial_credit_comes_in_the_tenants_own_currency():
    agent = make_agent(status=TRIAL, currency="CNY")

    grant_trial(str(agent.pk))

    assert (wallet_of(agent).currency, wallet_of(agent).balance) == ("CNY", money("5.00"))


def test_trial_credit_comes_once_in_a_life():
    customer = make_customer(status=TRIAL)

    for _ in range(3):
        grant_trial(str(customer.pk))
        grant_missing_trials()

    assert wallet_of(customer).balance == money("5.00")


def test_an_account_that_is_not_on_trial_gets_none():
    customer = make_customer(status="active")

    grant_trial(str(customer.pk))
    grant_missing_trials()

    assert not Transfer.objects.exists()


def test_a_trial_whose_bell_was_lost_is_granted_by_the_sweep():
    customer = make_customer(status=TRIAL)
    assert wallet_of(customer).balance == 0

    grant_missing_trials()

    assert wallet_of(customer).balance == money("5.00")
