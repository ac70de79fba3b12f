"""manage.py set_credit_line"""

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEntry
from accounts.tests.factories import make_customer
from billing.ledger.actions import hold
from billing.ledger.errors import InsufficientBalance
from billing.ledger.queries import wallet_of
from billing.ledger.tests.factories import fund
from kit.ids import uuid7
from kit.money import money

pytestmark = pytest.mark.django_db


def spend(organisation, amount):
    hold(organisation=organisation, currency=organisation.currency, amount=money(amount), reference=f"t:{uuid7()}")


def test_a_credit_line_lets_a_wallet_go_so_far_and_no_further():
    customer = make_customer()
    fund(customer, "1.00")

    call_command("set_credit_line", str(customer.pk), "5.00")

    spend(customer, "6.00")
    with pytest.raises(InsufficientBalance):
        spend(customer, "0.01")
    assert wallet_of(customer).available == 0
    assert AuditEntry.objects.filter(organisation=customer, action="credit_line.set").exists()


@pytest.mark.parametrize("amount", ["-1", "a lot", "0.0000001"])
def test_an_amount_that_is_none_is_named(amount):
    with pytest.raises(CommandError, match="amount"):
        call_command("set_credit_line", str(make_customer().pk), amount)


def test_a_line_in_use_is_not_taken_away():
    customer = make_customer()
    call_command("set_credit_line", str(customer.pk), "5.00")
    spend(customer, "3.00")

    with pytest.raises(CommandError):
        call_command("set_credit_line", str(customer.pk), "1.00")


def test_an_organisation_that_is_not_there_is_named():
    with pytest.raises(CommandError, match="organisation"):
        call_command("set_credit_line", str(uuid7()), "1.00")
