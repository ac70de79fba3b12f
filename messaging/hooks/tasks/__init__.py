"""Thin shells.  Each may run twice, at once or again: collecting is unique by its key, calls are claimed by row."""

from celery import shared_task

from messaging.engine import bell


@shared_task(acks_late=True, soft_time_limit=25, time_limit=30)
def collect_settled(message_ids: list[str]) -> None:
    """Make the deliveries of messages that became final.  Twice is harmless: one an endpoint, message and event."""
    from .sweeping import collect

    if collect(message_ids):
        bell.ring(deliver)


@shared_task(acks_late=True, soft_time_limit=25, time_limit=30)
def deliver() -> None:
    """Call endpoints with what is ripe.  Twice at once is harmless: each claims its own rows."""
    from .courier import deliver_ripe

    bell.answer(deliver)
    if deliver_ripe():
        bell.ring(deliver)


@shared_task(acks_late=True, soft_time_limit=25, time_limit=30)
def sweep_deliveries() -> None:
    """Find what the bell missed, switch off what has failed for a day.  Twice is harmless: all of it reads the rows."""
    from .sweeping import sweep

    if sweep():
        bell.ring(deliver)


@shared_task(acks_late=True, soft_time_limit=50, time_limit=55)
def delete_old_deliveries() -> None:
    """Delete deliveries past retention.  Twice is harmless: what is gone stays gone."""
    from messaging.hooks.retention import delete_past_retention

    delete_past_retention()
