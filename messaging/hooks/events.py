"""What this room announces."""

from django.dispatch import Signal

#: Events wait to be delivered.  No facts.
deliveries_waiting = Signal()
