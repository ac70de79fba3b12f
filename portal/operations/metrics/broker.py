"""How many rings wait in each of Celery's queues, whatever the broker."""

from amqp.exceptions import ChannelError
from kombu.exceptions import KombuError, OperationalError

from portal.celery import app
from portal.queues import QUEUES

from .names import Figure


def read() -> list[Figure]:
    """The lengths, and whether the broker answers; only the latter while it is away."""
    try:
        with app.connection_for_read(connect_timeout=1) as connection:
            channel = connection.channel()
            lengths = [Figure("length", {"queue": queue}, length_of(channel, queue)) for queue in QUEUES]
    except (OSError, KombuError, OperationalError, *app.connection_for_read().recoverable_connection_errors):
        return [Figure("up", {}, 0)]
    return [*lengths, Figure("up", {}, 1)]


def length_of(channel, queue: str) -> int:
    """Rings in one queue; a queue nobody has rung yet is empty."""
    try:
        return channel.queue_declare(queue=queue, passive=True).message_count
    except ChannelError:
        return 0
