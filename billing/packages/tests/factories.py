"""Packages for tests, sold through the product's own actions."""

from itertools import count

from accounts.models import Organisation
from accounts.tests.factories import make_operator, make_user
from billing.packages import actions
from billing.packages.actions import Payment
from billing.packages.models import Allowance, Package, Purchase
from kit.money import money, to_minor

_numbers = count(1)


def make_package(*, price: str = "30.00", segments: int = 1000, **fields) -> Package:
    fields = {"name": f"Package {next(_numbers)}", "currency": "GBP", **fields}
    return actions.create_package(organisation=make_operator(), price=money(price), segments=segments, **fields)


def make_purchase(organisation: Organisation, *, package: Package | None = None, amount: str = "") -> Purchase:
    """A purchase that waits for its money: of a package, or of an amount for the wallet."""
    chosen = {"amount": money(amount)} if amount else {"package": package or make_package()}
    purchase = actions.start_purchase(organisation=organisation, by=make_user(), **chosen)
    purchase.session_reference = f"cs_test_{next(_numbers)}"
    purchase.save(update_fields=["session_reference"])
    return purchase


def payment_for(purchase: Purchase, **changes) -> Payment:
    """What Stripe says when the purchase was paid as asked."""
    return Payment(
        **{
            "purchase_id": purchase.pk,
            "amount": to_minor(purchase.amount),
            "currency": purchase.currency.lower(),
            "is_live": purchase.is_live,
            "session_reference": purchase.session_reference,
            "payment_reference": f"pi_{purchase.pk.hex}",
            **changes,
        }
    )


def make_allowance(organisation: Organisation, *, segments: int = 1000, **fields) -> Allowance:
    """What a paid package leaves: `category`, `country`, `valid_days` are the package's."""
    purchase = make_purchase(organisation, package=make_package(segments=segments, **fields))
    actions.complete_purchase(payment=payment_for(purchase))
    return purchase.allowance
