"""The books' check: silent over a right world, and each invariant seen to find what breaks it."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts.models import Organisation
from accounts.tests.factories import make_agent, make_customer, make_operator
from billing.ledger.actions import account_of, hold
from billing.ledger.books import EVERYTHING, problems
from billing.ledger.invariants import INVARIANTS
from billing.ledger.models import Account, Reason, Transfer
from billing.packages.allowance import take
from billing.packages.models import Allowance, AllowanceUse, Package, Purchase
from billing.packages.tests.factories import make_allowance
from billing.pricing.models import Quote
from billing.pricing.quotes import quotes_for
from billing.pricing.tests.factories import make_price_book, price_world
from kit.ids import uuid7
from kit.money import money
from messaging.engine.models import Attempt

from .factories import fund

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer():
    """Below an agent, with money, a package, and a price that has a margin in it."""
    price_world(make_operator())
    agent = make_agent()
    make_price_book(agent, {"notice": "0.05"}, is_default=True)
    customer = make_customer(parent=agent)
    fund(customer, "10.00")
    make_allowance(customer)
    account_of(customer, Account.Kind.HOLD, "GBP")
    quotes_for(customer, {("GB", "notice")})
    return customer


def as_owner(*statements):
    """What only a person with the keys to the database could do."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SELECT set_config('role', 'none', true)")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SELECT set_config('role', 'signalbox_engine', true)")


def move(source, target, *, reason=Reason.ADJUSTMENT, amount=1, subject="", currency="GBP", **fields):
    """A transfer written past the ledger's own door."""
    fields = {"organisation_id": source.organisation_id, "target_organisation_id": target.organisation_id, **fields}
    return Transfer.objects.create(
        source=source, target=target, reason=reason, amount=amount, subject=subject, currency=currency,
        reference=str(uuid7()), **fields,
    )  # fmt: skip


def pot(organisation, kind, currency="GBP"):
    return account_of(organisation, kind, currency)


def house_pot(kind):
    return pot(make_operator(), kind)


def message(customer, **fields):
    """A message row as accept writes it, but for what `fields` say."""
    row = {
        "id": uuid7(), "organisation_id": customer.pk, "quote_id": Quote.objects.get().pk, "channel_id": uuid7(),
        "price": money("0.05"), "validity_until": timezone.now(), "status": 20, "segments": 1, "is_unicode": False,
        "is_test": False, "sender": "x", "recipient": "+447700900123", "country": "GB", "category": "notice",
        "currency": "GBP", "body": "x", **fields,
    }  # fmt: skip
    if row["status"] >= 90:
        row["final_at"] = timezone.now()
    with connection.cursor() as cursor:
        names, places = ", ".join(row), ", ".join(["%s"] * len(row))
        cursor.execute(f"INSERT INTO engine_message ({names}) VALUES ({places})", list(row.values()))
    return row["id"]


def settlement(customer, *, pays=(), **fields):
    """A settlement row and the transfers that should prove it: (target, amount)."""
    row = {
        "id": uuid7(), "organisation_id": customer.pk, "quote_id": Quote.objects.get().pk, "status": 90, "messages": 1,
        "segments": 1, "amount": money("0.05"), "currency": "GBP", "created_at": timezone.now(), **fields,
    }  # fmt: skip
    with connection.cursor() as cursor:
        names, places = ", ".join(row), ", ".join(["%s"] * len(row))
        cursor.execute(f"INSERT INTO engine_settlement ({names}) VALUES ({places})", list(row.values()))
    for target, amount in pays:
        move(house_pot(Account.Kind.PROMOTION), target, amount=amount, subject=f"settlement:{row['id']}")


def add_bad_quote(customer):
    as_owner(
        "ALTER TABLE pricing_quote DROP CONSTRAINT quote_parts_make_price, DROP CONSTRAINT quote_every_agent_a_part,"
        " DROP CONSTRAINT quote_no_negative_margin"
    )
    Quote.objects.create(
        organisation=customer, country="GB", category="notice", currency="GBP", price=10, platform=make_operator(),
        platform_part=10, agents=[customer.parent_id], agent_parts=[1], fingerprint="bad",
    )  # fmt: skip


def overdraw(customer):
    as_owner("ALTER TABLE ledger_account DROP CONSTRAINT balance_not_below_floor")
    Account.objects.filter(organisation=customer, kind=Account.Kind.WALLET).update(balance=-1)


def release_to_stranger(customer):
    stranger = pot(make_customer(), Account.Kind.WALLET)
    settlement(customer, status=91, pays=[(stranger, money("0.05"))])


def pay_all_to_the_house(customer):
    settlement(customer, pays=[(house_pot(Account.Kind.REVENUE), money("0.05"))])


def pay_a_message_by_an_allowance_not_taken(customer):
    message(customer, price=0, allowance_id=Allowance.objects.get().pk)


def as_if_summed():
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO agents_sumprogress (id, summed_before) VALUES (1, now() + interval '1 hour')")


def earn_in_a_day_that_is_summed(customer):
    as_if_summed()
    move(house_pot(Account.Kind.PROMOTION), pot(customer.parent, Account.Kind.MARGIN), reason=Reason.MARGIN)


def sum_of_nobody(customer):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO agents_earningsum VALUES (true, now(), %(one)s, 'GBP', 0, 1, 0, 0, 0, %(one)s)",
            {"one": customer.parent_id},
        )


def spend_in_a_day_that_is_summed(customer):
    as_if_summed()
    settlement(customer)


BREAKS = {
    "A cached balance is": lambda c: Account.objects.filter(organisation=c, kind="wallet").update(balance=1),
    "No account lies below": overdraw,
    "Only a wallet and a hold": lambda c: Account.objects.filter(organisation=c, kind="hold").update(floor=-1),
    "A transfer has one currency": lambda c: move(
        pot(c, Account.Kind.MARGIN), pot(c, Account.Kind.REVENUE, "CNY"), currency="GBP"
    ),
    "What is set aside": lambda c: hold(organisation=c, currency="GBP", amount=money("0.05"), reference="m"),
    "A message costs its segments": lambda c: message(c, status=91, price=1),
    "A settlement moved exactly": lambda c: settlement(c),
    "A settlement's amount is": lambda c: settlement(c, segments=2),
    "A delivered settlement pays": pay_all_to_the_house,
    "What was not delivered went back": release_to_stranger,
    "A quote's price is the sum": add_bad_quote,
    "What was taken from an allowance is what": lambda c: AllowanceUse.objects.create(
        organisation=c, allowance=Allowance.objects.get(), segments=1, reference="x"
    ),
    "What was taken from an allowance is the": pay_a_message_by_an_allowance_not_taken,
    "A paid purchase has exactly one": lambda c: Purchase.objects.update(status="pending"),
    "A refund moved back exactly": lambda c: Purchase.objects.update(refunded_amount=1),
    "A paid package has its allowance": lambda c: Purchase.objects.create(
        organisation=c, kind="package", package=Package.objects.get(), amount=1, currency="GBP", status="paid",
        is_live=False, bought_by=Purchase.objects.get().bought_by,
    ),
    "A day's earnings by": earn_in_a_day_that_is_summed,
    "A day's earnings in": sum_of_nobody,
    "A day's spending": spend_in_a_day_that_is_summed,
    "A tenant got trial credit": lambda c: [
        move(house_pot(Account.Kind.PROMOTION), pot(c, Account.Kind.WALLET), reason=Reason.TRIAL) for _ in range(2)
    ],
}  # fmt: skip


def test_the_books_of_a_right_world_are_right(customer):
    held = message(customer)
    hold(organisation=customer, currency="GBP", amount=money("0.05"), reference=str(held))
    take(organisation=customer, wanted=[(0, "GB", "notice", 3)], reference="a")
    delivered = message(customer, price=0, segments=3, allowance_id=Allowance.objects.get().pk, status=90)
    Attempt.objects.create(
        message_id=delivered, number=1, organisation=customer, channel_id=uuid7(), reference=1, outcome=1,
        started_at=timezone.now(), ended_at=timezone.now(),
    )  # fmt: skip

    said = StringIO()
    call_command("check_books", stdout=said)

    assert problems() == []
    assert f"{len(EVERYTHING)} invariants hold" in said.getvalue()


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda invariant: invariant.name)
def test_each_invariant_finds_what_breaks_it(customer, invariant):
    [break_it] = [break_it for name, break_it in BREAKS.items() if invariant.name.startswith(name)]

    break_it(customer)

    assert invariant.name in {problem.invariant for problem in problems()}


def test_broken_books_are_named_and_end_with_1(customer):
    Account.objects.filter(organisation=customer, kind="wallet").update(balance=1)
    complaint = StringIO()

    with pytest.raises(SystemExit) as end:
        call_command("check_books", stderr=complaint)

    assert end.value.code == 1
    assert "BROKEN  A cached balance" in complaint.getvalue()
    assert str(customer.pk) in complaint.getvalue()


def test_the_check_sees_every_tenant(customer):
    with customer.scope():
        Account.objects.filter(organisation=customer, kind="wallet").update(balance=1)
    other = make_customer()
    assert Organisation.objects.filter(pk=other.pk).exists()

    with other.scope(), pytest.raises(SystemExit):
        call_command("check_books", stderr=StringIO())
