"""Celery's doors to this room.  No transaction is open while Stripe is asked."""

import structlog
from celery import shared_task

from billing.packages.queries import refunds_under_way
from kit import tenancy
from kit.errors import DomainError

from . import inbox, reconcile, refunds

log = structlog.get_logger()


@shared_task(acks_late=True, soft_time_limit=25, time_limit=30)
def process_event(event_id: str) -> None:
    """Act on one stored event.  Twice at once is harmless: the row is claimed, and each purchase is granted once."""
    with tenancy.as_engine():
        inbox.count_try(event_id=event_id)
    with tenancy.as_engine():
        inbox.act_on(event_id=event_id)


@shared_task(acks_late=True, soft_time_limit=25, time_limit=30)
def sweep_events() -> None:
    """Act on the events whose bell was lost.  Twice at once is harmless: see process_event."""
    with tenancy.as_engine():
        waiting = inbox.waiting_events()
    for event_id in waiting:
        process_event.delay(event_id)


@shared_task(acks_late=True, soft_time_limit=25, time_limit=30)
def return_payment(purchase_id: str) -> None:
    """Return the money of a package that was taken back.  Twice is harmless: Stripe and our ledger each do it once."""
    with tenancy.as_engine():
        purchase = refunds.to_return(purchase_id=purchase_id)
    if purchase is None:
        return
    refunded = refunds.return_at_stripe(purchase)
    with tenancy.as_engine():
        refunds.conclude_return(purchase, refunded=refunded)


@shared_task(acks_late=True, soft_time_limit=110, time_limit=120)
def reconcile_payments() -> None:
    """Ask Stripe about what we have not heard of.  Twice at once is harmless: purchases are granted once."""
    _check_purchases()
    _fetch_missed_events()
    with tenancy.as_engine():
        due = [str(id) for id in refunds_under_way().values_list("pk", flat=True)[:50]]
    for purchase_id in due:
        return_payment.delay(purchase_id)


def _check_purchases() -> None:
    with tenancy.as_engine():
        purchases = reconcile.to_check()
    for purchase in purchases:
        session = reconcile.session_of(purchase)
        try:
            with tenancy.as_engine():
                reconcile.settle(purchase, session)
        except DomainError as refusal:  # one odd purchase keeps no other waiting
            log.error("purchase_not_settled", purchase=str(purchase.pk), code=refusal.code)


def _fetch_missed_events() -> None:
    events = reconcile.recent_events()
    with tenancy.as_engine():
        missed = inbox.store_missed(events)
    for event_id in missed:
        process_event.delay(event_id)
