"""What this room announces, after commit."""

from django.dispatch import Signal

#: The money for a purchase is there and what it buys was granted.  Facts: purchase_id (UUID).
purchase_paid = Signal()

#: All of a purchase's money was given back.  Facts: purchase_id (UUID).
purchase_refunded = Signal()
