"""What this room announces, after commit."""

from django.dispatch import Signal

#: An event of Stripe's is stored and waits to be processed.  Facts: event_id (str).
stripe_event_stored = Signal()

#: A package was taken back; its money is to be returned.  Facts: purchase_id (UUID).
refund_requested = Signal()
