"""Thin shells over the stations.  Each may run twice, at once or again: every piece of work is claimed by its row."""

from functools import partial
from uuid import UUID

from celery import shared_task

from . import bell


@shared_task(acks_late=True, soft_time_limit=110, time_limit=115)
def drain_channel(channel_id: str) -> None:
    """Send what is ripe on one channel, for a turn, and on others that wait beside it.  Twice at once is harmless: each
    drain claims its own rows."""
    from .dispatch import drain
    from .waiting import ripe_for, who_waits

    if bell.is_overtaken(drain_channel, channel_id):
        return

    def ring_for_more(channels):
        for ripe in ripe_for(0, channel_ids=channels):
            bell.ring(drain_channel, ripe)

    drain(
        channel_id=UUID(channel_id),
        attend=partial(bell.attend, drain_channel),
        leave=partial(bell.answer, drain_channel),
        who_waits=partial(who_waits, are_attended=partial(bell.are_attended, drain_channel)),
        come_back=ring_for_more,
    )


@shared_task(acks_late=True, soft_time_limit=50, time_limit=55)
def fold_receipts() -> None:
    """Apply the receipts in the inbox.  Twice at once is harmless: receipts are claimed row by row, states only grow."""
    from .receipts import fold_all

    bell.answer(fold_receipts)
    fold_all()


@shared_task(acks_late=True, soft_time_limit=25, time_limit=30)
def sweep() -> None:
    """Ring for ripe rows whose bell was missed, end the claims of the dead, lead around carriers in trouble.

    Twice is harmless: all read the rows.
    """
    from .dispatch import give_back_of_the_dead, give_up_expired_leases, reroute_waiting, ring_for_ripe

    give_back_of_the_dead()
    give_up_expired_leases()
    ring_for_ripe()
    reroute_waiting()


@shared_task(acks_late=True, soft_time_limit=25, time_limit=30)
def ask_carriers() -> None:
    """Begin asking for receipts that are late.  Twice is harmless: an answer is stored once, as a receipt is."""
    from .receipts.asking import begin_asking

    begin_asking()


@shared_task(acks_late=True, soft_time_limit=50, time_limit=55)
def expire_overdue() -> None:
    """End messages whose validity has run out.  Twice is harmless: a final state is settled once."""
    from .settle import expire_overdue

    expire_overdue()


@shared_task(acks_late=True, soft_time_limit=25, time_limit=30)
def make_partitions() -> None:
    """Make the coming days' partitions.  Twice is harmless: a day that exists is left alone."""
    from .partitions import make_days_ahead

    make_days_ahead()


@shared_task(acks_late=True, soft_time_limit=110, time_limit=115)
def drop_past_retention() -> None:
    """Drop days past retention and what belonged to them.  Twice is harmless: what is gone stays gone."""
    from .leftovers import delete_leftovers
    from .partitions import drop_past_days

    drop_past_days()
    delete_leftovers()


@shared_task(acks_late=True, soft_time_limit=80, time_limit=90)
def erase_overdue() -> None:
    """Erase texts and numbers past their organisation's deadline.  Twice is harmless: what is erased is passed over."""
    from .retention import erase_overdue

    erase_overdue()
