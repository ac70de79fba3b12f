"""Why packages refuse."""

from django.utils.translation import gettext_lazy as _

from kit.errors import DomainError


class AllowanceReferenceTaken(DomainError):
    code = "reference_taken"
    message = _("This reference was used before, for something else.")
    status = 409


class NotForSale(DomainError):
    code = "not_for_sale"
    message = _("This package is not sold to your account.")


class AmountOutOfRange(DomainError):
    code = "amount_out_of_range"
    message = _("This amount can't be paid in.")


class PaymentMismatch(DomainError):
    """What was paid is not what was asked for: nothing is granted, a person has to look."""

    code = "payment_mismatch"
    message = _("The payment does not match the purchase.")


class NotRefundable(DomainError):
    code = "not_refundable"
    message = _("This purchase can't be refunded.")
