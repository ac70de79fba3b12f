"""Celery's doors to this room."""

from uuid import UUID

from celery import shared_task

from kit import tenancy

from . import trials


@shared_task(acks_late=True, soft_time_limit=25, time_limit=30)
def grant_trial(organisation_id: str) -> None:
    """Give a new tenant its trial credit.  Twice is harmless: it is posted under the organisation's own reference."""
    with tenancy.as_engine():
        trials.grant_trial(organisation_id=UUID(organisation_id))


@shared_task(acks_late=True, soft_time_limit=25, time_limit=30)
def grant_missing_trials() -> None:
    """Give trial credit to those whose bell was lost.  Twice at once is harmless: see grant_trial."""
    with tenancy.as_engine():
        waiting = trials.without_trial()
    for organisation_id in waiting:
        grant_trial.delay(str(organisation_id))
