"""What follows what: the switchboard of campaigns."""

from django.dispatch import receiver

from messaging.engine.bell import ring
from messaging.engine.events import messages_settled

from . import tasks
from .events import campaign_sending, estimate_wanted, file_waits, queue_disagrees


@receiver(file_waits, dispatch_uid="campaigns.read_file")
def on_file_waits(sender, *, file_id, **facts) -> None:
    ring(tasks.read_recipient_file, file_id)


@receiver(estimate_wanted, dispatch_uid="campaigns.measure")
def on_estimate_wanted(sender, *, campaign_id, **facts) -> None:
    ring(tasks.measure_campaign, campaign_id)


@receiver(campaign_sending, dispatch_uid="campaigns.accept")
def on_campaign_sending(sender, *, campaign_id, **facts) -> None:
    ring(tasks.accept_batches, campaign_id)


@receiver(queue_disagrees, dispatch_uid="campaigns.tend_queue")
def on_queue_disagrees(sender, *, campaign_id, **facts) -> None:
    ring(tasks.tend_queue, campaign_id)


@receiver(messages_settled, dispatch_uid="campaigns.finish")
def on_messages_settled(sender, *, campaign_ids, **facts) -> None:
    for campaign_id in campaign_ids:
        ring(tasks.finish_campaign, campaign_id)
