"""What follows what: the switchboard of the engine."""

from django.dispatch import receiver

from . import tasks
from .bell import ring
from .events import messages_accepted, receipts_stored


@receiver(messages_accepted, dispatch_uid="engine.ring_channels")
def on_messages_accepted(sender, *, channel_ids, **facts) -> None:
    for channel_id in channel_ids:
        ring(tasks.drain_channel, channel_id)


@receiver(receipts_stored, dispatch_uid="engine.ring_fold")
def on_receipts_stored(sender, **facts) -> None:
    ring(tasks.fold_receipts)
