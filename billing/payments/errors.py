"""Why payments refuse."""

from django.utils.translation import gettext_lazy as _

from kit.errors import DomainError


class PaymentsUnavailable(DomainError):
    code = "payments_unavailable"
    message = _("Card payments can't be reached at the moment. Nothing was charged; please try again in a minute.")
    status = 503


class PurchaseClosed(DomainError):
    code = "purchase_closed"
    message = _("This purchase can't be paid any more. Start a new one.")
    status = 409


class ForgedEvent(DomainError):
    code = "forged_event"
    message = _("The signature does not match.")
    status = 400


class NotYet(DomainError):
    """An event came before the one it builds on.  It is tried again."""

    code = "not_yet"
    message = _("The event this one builds on has not been processed yet.")
