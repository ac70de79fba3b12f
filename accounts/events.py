"""What this room announces, after commit."""

from django.dispatch import Signal

#: A tenant exists.  Facts: organisation_id (UUID).
organisation_created = Signal()
