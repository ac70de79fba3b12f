"""Why the ledger refuses."""

from django.utils.translation import gettext_lazy as _

from kit.errors import DomainError
from kit.money import units


class InsufficientBalance(DomainError):
    """A pot would fall below its floor.  `needed` and `available` are micros; the details say them in units."""

    code = "insufficient_balance"
    message = _("The wallet does not hold enough for this. Top it up, or send less.")
    status = 402

    def __init__(self, *, needed: int, available: int, currency: str) -> None:
        super().__init__(needed=str(units(needed)), available=str(units(available)), currency=currency)
        self.needed, self.available, self.currency = needed, available, currency


class CurrencyMismatch(DomainError):
    code = "currency_mismatch"
    message = _("Both sides must use the same currency.")


class ReferenceTaken(DomainError):
    """The same reference was used before for another movement.  Nothing has moved now."""

    code = "reference_taken"
    message = _("This reference was used before, for something else.")
    status = 409


class CreditInUse(DomainError):
    code = "credit_in_use"
    message = _("More credit is in use than the new credit line allows.")


class NotBelow(DomainError):
    code = "not_below"
    message = _("Credit can only be given to accounts below your own.")
