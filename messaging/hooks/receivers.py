"""What follows what: the switchboard of the webhooks."""

import logging
from uuid import UUID

from django.dispatch import receiver
from kombu.exceptions import OperationalError as BrokerAway
from redis.exceptions import RedisError

from messaging.engine.bell import ring
from messaging.engine.events import messages_settled

from . import tasks
from .events import deliveries_waiting
from .tasks.sweeping import does_anybody_listen

log = logging.getLogger(__name__)


@receiver(messages_settled, dispatch_uid="hooks.collect")
def on_messages_settled(sender, *, message_ids: list[UUID], organisation_ids: set[UUID], **facts) -> None:
    if not does_anybody_listen(organisation_ids):
        return
    try:
        tasks.collect_settled.apply_async(args=([str(id) for id in message_ids],), retry=False)
    except (BrokerAway, RedisError, OSError) as error:  # the sweeper finds them when the broker is back
        log.warning("nobody could be told of final messages", extra={"why": type(error).__name__})


@receiver(deliveries_waiting, dispatch_uid="hooks.deliver")
def on_deliveries_waiting(sender, **facts) -> None:
    ring(tasks.deliver)
