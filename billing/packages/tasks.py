"""Celery's doors to this room."""

from celery import shared_task

from kit import tenancy

from . import allowance


@shared_task(acks_late=True, soft_time_limit=25, time_limit=30)
def expire_allowances() -> None:
    """Note which allowances have lapsed.  Twice at once is harmless: each is claimed and marked in one transaction."""
    with tenancy.as_engine():
        allowance.note_lapsed()
