"""Giving a package's money back: taken back here first, returned by Stripe afterwards."""

from uuid import UUID

import stripe
from django.db import transaction

from billing.packages import actions as packages
from billing.packages.models import Purchase
from billing.packages.queries import refunds_under_way
from kit.events import emit

from . import gateway
from .events import refund_requested


@transaction.atomic
def request_refund(*, purchase: Purchase) -> None:
    """Take an unused package back and have its whole price returned to the card.

    Raises NotRefundable once a message was sent from it; nothing has changed then.
    """
    packages.withdraw_purchase(purchase=purchase)
    emit(refund_requested, sender=Purchase, purchase_id=purchase.pk)


def to_return(*, purchase_id: UUID) -> Purchase | None:
    """The purchase, when it was taken back and its money has still to follow."""
    return refunds_under_way().filter(pk=purchase_id).first()


def return_at_stripe(purchase: Purchase) -> int | None:
    """Have Stripe return all of a purchase's money, once; the minor units returned in all, None when it refuses for good.

    No transaction is open meanwhile.  Raises PaymentsUnavailable: asking again is safe.
    """
    stripe_ = gateway.client().v1
    with gateway.reaching():
        try:
            _ask(stripe_, purchase)
        except (stripe.InvalidRequestError, stripe.CardError) as refusal:
            if refusal.code != "charge_already_refunded":
                return None
        intent = stripe_.payment_intents.retrieve(purchase.payment_reference)
        return stripe_.charges.retrieve(intent.latest_charge).amount_refunded


def conclude_return(purchase: Purchase, *, refunded: int | None) -> None:
    """Write down what Stripe returned.  When it refused, what was bought is there again."""
    if refunded is None:
        packages.reinstate_purchase(purchase_id=purchase.pk)
        return
    packages.record_refund(
        purchase_id=purchase.pk,
        payment_reference=purchase.payment_reference,
        refunded=refunded,
        currency=purchase.currency.lower(),
    )


def _ask(stripe_, purchase: Purchase) -> None:
    stripe_.refunds.create(
        {
            "payment_intent": purchase.payment_reference,
            "reason": "requested_by_customer",
            "metadata": {"purchase": str(purchase.pk)},
        },
        {"idempotency_key": f"refund:{purchase.pk}"},
    )
