"""Why this room refuses."""

from django.utils.translation import gettext_lazy as _

from kit.errors import DomainError
from kit.formatting import format_money
from kit.money import units


class NotYourReseller(DomainError):
    code = "not_your_reseller"
    message = _("Commission can only be set for a reseller directly below your account.")


class NotYourCustomer(DomainError):
    code = "not_your_customer"
    message = _("This is only possible for an account directly below yours.")


class NothingToTakeBack(DomainError):
    """More was asked back than the agent gave and the account still has.  `available` is in micros."""

    code = "nothing_to_take_back"

    def __init__(self, *, available: int, currency: str) -> None:
        message = _("You can take back at most %(amount)s: credit you gave that is still in the wallet.") % {
            "amount": format_money(available, currency)
        }
        super().__init__(message, available=str(units(available)), currency=currency)
        self.available = available


class SuspendedAbove(DomainError):
    code = "suspended_above"
    message = _("This account was stopped by somebody above you, who alone can let it work again.")
