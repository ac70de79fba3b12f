"""What the engine announces, after commit, with ids only."""

from django.dispatch import Signal

#: Messages are paid for, stored and queued.  Facts: channel_ids (set[UUID]), message_ids (list[UUID]),
#: organisation_id (UUID).
messages_accepted = Signal()

#: Receipts are in the inbox, waiting to be folded.  No facts.
receipts_stored = Signal()

#: Messages have reached their final state and their money has moved.
#: Facts: message_ids (list[UUID]; some may have been final before), organisation_ids (set[UUID]),
#: campaign_ids (set[UUID]), settlement_ids (list[UUID]).
messages_settled = Signal()
