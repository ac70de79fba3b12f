"""Celery's doors to this room."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from messaging.engine import bell

from . import actions
from .sums import sum_up

#: Longer than the house may stand still without a sale's commission being lost.
FAR_BACK = timedelta(days=35)


@shared_task(acks_late=True, soft_time_limit=50, time_limit=55)
def accrue_commission() -> None:
    """Enter the commission of the last minutes.  Twice at once is harmless: a sale earns an agent one entry."""
    bell.answer(accrue_commission)
    actions.accrue_recent_commission()


@shared_task(acks_late=True, soft_time_limit=110, time_limit=115)
def accrue_missed_commission() -> None:
    """Enter what neither a bell nor the minute's round found, after long outages.  Twice is harmless: see above."""
    actions.accrue_commission(since=timezone.now() - FAR_BACK)


@shared_task(acks_late=True, soft_time_limit=290, time_limit=295)
def sum_up_days() -> None:
    """Sum up the days that are over.  Twice at once is harmless: a day is summed once, under a lock."""
    sum_up()
