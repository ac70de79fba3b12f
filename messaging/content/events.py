"""What this room announces.  Facts are ids."""

from django.dispatch import Signal

#: Something waits for a compliance decision.  Facts: review_id, organisation_id.
review_submitted = Signal()

#: A version may be sent from now on.  Facts: version_id, template_id, organisation_id.
template_approved = Signal()

#: A version was sent back with reasons.  Facts: version_id, template_id, organisation_id.
template_rejected = Signal()

#: A sender may be used from now on.  Facts: sender_id, organisation_id.
sender_approved = Signal()

#: A sender was sent back with reasons.  Facts: sender_id, organisation_id.
sender_rejected = Signal()
