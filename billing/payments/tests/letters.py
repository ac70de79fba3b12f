"""Letters from Stripe, signed as Stripe signs them."""

import json
import time
from itertools import count

import stripe
from django.conf import settings
from django.test import Client

from billing.packages.models import Purchase
from kit.money import to_minor

_numbers = count(1)
PATH = "/webhooks/stripe"


def event_of(purchase: Purchase, *, type: str = "checkout.session.completed", **changes) -> dict:
    """The event Stripe sends when the purchase was paid as asked; `changes` are the session's."""
    session = {
        "id": purchase.session_reference,
        "object": "checkout.session",
        "client_reference_id": str(purchase.pk),
        "payment_status": "paid",
        "payment_intent": f"pi_{purchase.pk.hex}",
        "amount_total": to_minor(purchase.amount),
        "currency": purchase.currency.lower(),
        "livemode": purchase.is_live,
        "metadata": {"purchase": str(purchase.pk), "organisation": str(purchase.organisation_id)},
        **changes,
    }
    return _event(type, session)


def refund_of(purchase: Purchase, **changes) -> dict:
    """The event Stripe sends when all of the purchase's money was returned; `changes` are the charge's."""
    charge = {
        "id": f"ch_{purchase.pk.hex}",
        "object": "charge",
        "payment_intent": f"pi_{purchase.pk.hex}",
        "amount": to_minor(purchase.amount),
        "amount_refunded": to_minor(purchase.amount),
        "currency": purchase.currency.lower(),
        "livemode": purchase.is_live,
        "metadata": {"purchase": str(purchase.pk)},
        **changes,
    }
    return _event("charge.refunded", charge)


def _event(type: str, about: dict) -> dict:
    return {
        "id": f"evt_test_{next(_numbers)}",
        "object": "event",
        "type": type,
        "livemode": about["livemode"],
        "created": int(time.time()),
        "data": {"object": about},
    }


def sign(payload: bytes, *, secret: str = "", at: float | None = None, scheme: str = "v1") -> str:
    """The Stripe-Signature header of a payload."""
    moment = int(time.time() if at is None else at)
    header = stripe.WebhookSignature.generate_signature_header(
        payload.decode(), secret or settings.STRIPE_WEBHOOK_SECRET, moment
    )
    return header.replace("v1=", f"{scheme}=")


def deliver(event: dict | bytes, *, signature: str | None = None, client: Client | None = None):
    """Put an event into our letter box; the answer."""
    payload = event if isinstance(event, bytes) else json.dumps(event).encode()
    header = sign(payload) if signature is None else signature
    return (client or Client()).post(
        PATH, payload, content_type="application/json", headers={"Stripe-Signature": header}
    )
