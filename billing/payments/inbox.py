"""Stripe's events: checked and stored by their own id first, acted on afterwards, once each."""

import json
import time
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import stripe
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from billing.packages import actions as packages
from billing.packages.errors import PaymentMismatch
from billing.packages.models import Purchase
from kit.errors import DomainError
from kit.events import emit

from .checkout import payment_of
from .errors import ForgedEvent, NotYet
from .events import stripe_event_stored
from .models import StripeEvent

TOLERANCE_SECONDS = 300
#: After so many tries an event is for a person to look at.
MOST_TRIES = 100

Status = StripeEvent.Status


def receive_event(*, payload: bytes, signature: str) -> str:
    """Store one event as it came and say that it waits.  The same event again changes nothing.  Returns its id.

    Raises ForgedEvent unless the raw bytes were signed with our secret within the last five minutes.
    """
    event = _verified(payload, signature)
    StripeEvent.objects.bulk_create(
        [StripeEvent(id=event["id"], type=event["type"], payload=event, is_live=event["livemode"])],
        ignore_conflicts=True,  # "ON CONFLICT DO NOTHING": the web role may add events, not read them
    )
    emit(stripe_event_stored, sender=StripeEvent, event_id=event["id"])
    return event["id"]


def store_missed(events: Iterable[stripe.Event]) -> list[str]:
    """Store those of Stripe's events that never reached us; the ids of them.  Runs as the engine."""
    by_id = {event.id: event for event in events}
    known = set(StripeEvent.objects.filter(pk__in=list(by_id)).values_list("pk", flat=True))
    missed = [event for id, event in by_id.items() if id not in known]
    StripeEvent.objects.bulk_create(
        [
            StripeEvent(id=event.id, type=event.type, payload=event.to_dict(), is_live=event.livemode)
            for event in missed
        ],
        ignore_conflicts=True,
    )
    return [event.id for event in missed]


def count_try(*, event_id: str) -> None:
    """One more try at an event; after too many it has failed.  In a transaction of its own: a crash counts too."""
    waiting = StripeEvent.objects.filter(pk=event_id, status=Status.RECEIVED)
    waiting.filter(tries__gte=MOST_TRIES).update(
        status=Status.FAILED, outcome="Tried too often.", done_at=timezone.now()
    )
    waiting.update(tries=F("tries") + 1)


def act_on(*, event_id: str) -> str:
    """Act on a stored event, once, and keep the outcome on its row.  Runs as the engine.  Returns its status after.

    Two at once: one acts, the other finds it taken.  A refusal marks it failed, for a person to look at; an event that
    came too early stays received and is tried again; anything else is a bug, surfaces, and changes nothing.
    """
    with transaction.atomic():
        event = StripeEvent.objects.select_for_update(skip_locked=True).filter(
            pk=event_id, status=Status.RECEIVED
        ).first()  # fmt: skip
        if event is None:
            return ""
        event.status, event.outcome = _act(event)
        event.done_at = None if event.status == Status.RECEIVED else timezone.now()
        event.save(update_fields=["status", "outcome", "done_at"])
        return event.status


def waiting_events(*, limit: int = 200) -> list[str]:
    """Ids of events that were stored and not finished, the oldest first."""
    return list(
        StripeEvent.objects.filter(status=Status.RECEIVED).order_by("received_at").values_list("pk", flat=True)[:limit]
    )


def _verified(payload: bytes, signature: str) -> dict[str, Any]:
    try:
        stripe.WebhookSignature.verify_header(
            payload, signature, settings.STRIPE_WEBHOOK_SECRET, tolerance=TOLERANCE_SECONDS
        )
        signed_at = int(signature.partition("t=")[2].partition(",")[0])
        event = json.loads(payload)
    except (stripe.SignatureVerificationError, ValueError) as error:
        raise ForgedEvent from error
    if signed_at > time.time() + TOLERANCE_SECONDS or not _is_event(event):
        raise ForgedEvent
    return event


def _is_event(event: Any) -> bool:
    return (
        isinstance(event, dict)
        and event.get("object") == "event"
        and isinstance(event.get("livemode"), bool)
        and all(isinstance(event.get(key), str) and event[key] for key in ("id", "type"))
    )


def _act(event: StripeEvent) -> tuple[str, str]:
    act = ACTS.get(event.type)
    if act is None:
        return Status.IGNORED, "Nothing follows from this type."
    try:
        with transaction.atomic():
            return act(event, event.payload["data"]["object"])
    except NotYet as error:
        return Status.RECEIVED, str(error)
    except DomainError as error:
        return Status.FAILED, f"{error.code}: {error} {dict(error.details)}"


def _complete(event: StripeEvent, session: dict[str, Any]) -> tuple[str, str]:
    payment = payment_of(session)
    if payment is None or not _is_id(payment.purchase_id):
        return Status.IGNORED, "No payment of ours."
    if event.is_live != payment.is_live:
        return Status.FAILED, "The event and its object disagree about being live."
    is_news = packages.complete_purchase(payment=payment)
    return Status.DONE, "Granted." if is_news else "Was granted before."


def _expire(event: StripeEvent, session: dict[str, Any]) -> tuple[str, str]:
    purchase = Purchase.objects.filter(session_reference=session["id"]).first()
    if purchase is None:
        return Status.IGNORED, "No purchase of ours."
    is_news = packages.expire_purchase(purchase_id=purchase.pk)
    return Status.DONE, "Expired." if is_news else "Was settled before."


def _refund(event: StripeEvent, charge: dict[str, Any]) -> tuple[str, str]:
    stated = (charge.get("metadata") or {}).get("purchase", "")
    purchase = Purchase.objects.filter(pk=stated).first() if _is_id(stated) else None
    if purchase is None:
        return Status.IGNORED, "No purchase of ours."
    if purchase.status in (Purchase.Status.PENDING, Purchase.Status.EXPIRED):
        raise NotYet
    if event.is_live != purchase.is_live:
        raise PaymentMismatch(purchase=str(purchase.pk), is_live=event.is_live)
    is_news = packages.record_refund(
        purchase_id=purchase.pk,
        payment_reference=charge["payment_intent"] or "",
        refunded=charge["amount_refunded"],
        currency=charge["currency"],
    )
    return Status.DONE, "Refunded." if is_news else "Was refunded before."


def _is_id(text: Any) -> bool:
    try:
        UUID(str(text))
    except ValueError:
        return False
    return True


#: What follows from an event, by its type.  payment_intent.succeeded tells the same story as the session and is ignored.
ACTS: dict[str, Callable[[StripeEvent, dict[str, Any]], tuple[str, str]]] = {
    "checkout.session.completed": _complete,
    "checkout.session.async_payment_succeeded": _complete,
    "checkout.session.expired": _expire,
    "charge.refunded": _refund,
}
