"""What follows what: the switchboard of this room."""

from django.dispatch import receiver

from billing.packages.events import purchase_paid, purchase_refunded
from messaging.engine.bell import ring, ring_now_and_then
from messaging.engine.events import messages_settled

from . import tasks


@receiver(messages_settled, dispatch_uid="agents.accrue_settled")
def on_messages_settled(sender, **facts) -> None:
    ring_now_and_then(tasks.accrue_commission)  # settlements come by the hundred a second: one look finds many


@receiver(purchase_paid, dispatch_uid="agents.accrue_purchase")
def on_purchase_paid(sender, **facts) -> None:
    ring(tasks.accrue_commission)


@receiver(purchase_refunded, dispatch_uid="agents.accrue_refund")
def on_purchase_refunded(sender, **facts) -> None:
    ring(tasks.accrue_commission)
