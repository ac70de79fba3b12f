"""Money for tests, moved through the product's own actions."""

from accounts.models import Organisation
from billing.ledger.actions import account_of, transfer
from billing.ledger.models import Account, Reason, Transfer
from billing.pricing.quotes import platform_of
from kit.ids import uuid7
from kit.money import money


def fund(organisation: Organisation, amount: str) -> Transfer:
    """Pay an amount into the wallet, as a paid top-up does."""
    house = Organisation.objects.get(pk=platform_of(organisation))
    return transfer(
        source=account_of(house, Account.Kind.CLEARING, organisation.currency),
        target=account_of(organisation, Account.Kind.WALLET, organisation.currency),
        amount=money(amount),
        reason=Reason.TOP_UP,
        reference=f"test:{uuid7()}",
    )
