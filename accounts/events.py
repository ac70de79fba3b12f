"""What this room announces, after commit."""

from django.dispatch import Signal

#: A tenant exists.  Facts: organisation_id (UUID).
organisation_created = Signal()

#: A tenant and everything below it stopped.  Facts: organisation_id (UUID).
organisation_suspended = Signal()

#: A tenant may work again, and what is below it unless stopped for another reason.  Facts: organisation_id (UUID).
organisation_resumed = Signal()
