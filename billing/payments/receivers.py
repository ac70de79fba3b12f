"""What follows what: the switchboard of this room."""

from django.dispatch import receiver

from .events import refund_requested, stripe_event_stored
from .tasks import process_event, return_payment


@receiver(stripe_event_stored, dispatch_uid="payments.process_event")
def on_stripe_event_stored(sender, *, event_id, **facts) -> None:
    process_event.delay(event_id)


@receiver(refund_requested, dispatch_uid="payments.return_payment")
def on_refund_requested(sender, *, purchase_id, **facts) -> None:
    return_payment.delay(str(purchase_id))
