"""Sending a buyer to Stripe's hosted page, and reading back what came of it.  No card data touches us."""

from collections.abc import Mapping
from typing import Any

import stripe
from django.utils.translation import get_language, gettext

from billing.packages.actions import Payment
from billing.packages.models import Purchase
from kit.money import to_minor

from . import gateway
from .errors import PurchaseClosed


def start_checkout(purchase: Purchase, *, return_url: str) -> str:
    """The address where this purchase can be paid.  Asked again, it is the same page until that has closed.

    Raises PurchaseClosed, PaymentsUnavailable.
    """
    if purchase.status != Purchase.Status.PENDING:
        raise PurchaseClosed
    try:
        with gateway.reaching():
            session = _session(purchase, return_url)
    except (stripe.InvalidRequestError, stripe.IdempotencyError) as error:
        raise PurchaseClosed from error
    if session.url is None:
        raise PurchaseClosed
    if purchase.session_reference != session.id:
        Purchase.objects.filter(pk=purchase.pk).update(session_reference=session.id)
        purchase.session_reference = session.id
    return session.url


def payment_of(session: Mapping[str, Any]) -> Payment | None:
    """What a Checkout Session says was paid for which purchase; None while nothing was, or when it isn't ours."""
    if session["payment_status"] != "paid" or not session["client_reference_id"]:
        return None
    return Payment(
        purchase_id=session["client_reference_id"],
        amount=session["amount_total"],
        currency=session["currency"],
        is_live=session["livemode"],
        session_reference=session["id"],
        payment_reference=session["payment_intent"] or "",
    )


def _session(purchase: Purchase, return_url: str) -> stripe.checkout.Session:
    sessions = gateway.client().v1.checkout.sessions
    if purchase.session_reference:
        return sessions.retrieve(purchase.session_reference)
    facts = {"purchase": str(purchase.pk), "organisation": str(purchase.organisation_id)}
    return sessions.create(
        {
            "mode": "payment",
            "client_reference_id": str(purchase.pk),
            "metadata": facts,
            "payment_intent_data": {"metadata": facts},
            "line_items": [{"quantity": 1, "price_data": _price_data(purchase)}],
            "locale": "zh" if (get_language() or "").startswith("zh") else "auto",
            "success_url": f"{return_url}?paid=1",
            "cancel_url": return_url,
        },
        {"idempotency_key": f"purchase:{purchase.pk}"},
    )


def _price_data(purchase: Purchase) -> dict:
    return {
        "currency": purchase.currency.lower(),
        "unit_amount": to_minor(purchase.amount),
        "product_data": {"name": purchase.package.name if purchase.package else gettext("Wallet top-up")},
    }
