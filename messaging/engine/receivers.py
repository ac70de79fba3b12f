"""What follows what: the switchboard of the engine."""

from django.dispatch import receiver

from messaging.channels.events import channel_avoided

from . import tasks
from .bell import ring
from .events import messages_accepted, messages_settled, receipts_stored
from .journal import note, organisations_of


@receiver(messages_accepted, dispatch_uid="engine.ring_channels")
def on_messages_accepted(sender, *, channel_ids, message_ids=(), organisation_id=None, **facts) -> None:
    note("accepted", message_ids, organisation=organisation_id, channel=" ".join(map(str, channel_ids)))
    for channel_id in channel_ids:
        ring(tasks.drain_channel, channel_id)


@receiver(receipts_stored, dispatch_uid="engine.ring_fold")
def on_receipts_stored(sender, **facts) -> None:
    ring(tasks.fold_receipts)


@receiver(messages_settled, dispatch_uid="engine.note_settled")
def on_messages_settled(sender, *, message_ids, organisation_ids, **facts) -> None:
    note("settled", message_ids, **organisations_of(organisation_ids))


@receiver(channel_avoided, dispatch_uid="engine.reroute")
def on_channel_avoided(sender, **facts) -> None:
    ring(tasks.sweep)
