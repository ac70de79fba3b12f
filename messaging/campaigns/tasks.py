"""Thin shells over this room's actions.  They find the tenant as the engine and work inside its scope."""

import time
from collections.abc import Iterable
from uuid import UUID

from celery import shared_task

from accounts.models import Organisation
from kit import tenancy
from messaging.engine import bell

from .batches import accept_next_batch
from .finishing import finish
from .measuring import measure_draft
from .minutes import note_minutes
from .models import Campaign
from .reading import organisation_of_unread, read_file
from .sweeping import find_work, start_due
from .tending import tend

#: A campaign gives way to the next ring after so long, so that several advance turn by turn.
TURN_SECONDS = 5


@shared_task(acks_late=True, soft_time_limit=570, time_limit=600)
def read_recipient_file(file_id: str) -> None:
    """Read a file's rows.  Twice is harmless: a reading that was replaced stores no more, one that is done is left."""
    bell.answer(read_recipient_file, file_id)
    with tenancy.as_engine():
        organisation = organisation_of_unread(UUID(file_id))
    if organisation is not None:
        read_file(organisation=organisation, file_id=UUID(file_id))


@shared_task(acks_late=True, soft_time_limit=110, time_limit=115)
def measure_campaign(campaign_id: str) -> None:
    """Count what a draft's messages will take.  Twice is harmless: the count says what it was made of."""
    bell.answer(measure_campaign, campaign_id)
    organisation = _organisation_of(UUID(campaign_id))
    if organisation is not None:
        with organisation.scope():
            measure_draft(organisation=organisation, campaign_id=UUID(campaign_id))


@shared_task(acks_late=True, soft_time_limit=50, time_limit=55)
def accept_batches(campaign_id: str) -> None:
    """Accept batch after batch for one turn, then ring again.  Twice at once is harmless: a batch locks its campaign."""
    bell.answer(accept_batches, campaign_id)
    organisation = _organisation_of(UUID(campaign_id))
    until = time.monotonic() + TURN_SECONDS
    more = organisation is not None
    while more and time.monotonic() < until:
        with organisation.scope():
            more = accept_next_batch(campaign_id=UUID(campaign_id))
    if more:
        bell.ring(accept_batches, campaign_id)


@shared_task(acks_late=True, soft_time_limit=50, time_limit=55)
def tend_queue(campaign_id: str) -> None:
    """Hold, let go or clear a campaign's places in the queue.  Twice is harmless: each step reads its status anew."""
    bell.answer(tend_queue, campaign_id)
    until = time.monotonic() + TURN_SECONDS
    more = True
    while more and time.monotonic() < until:
        with tenancy.as_engine():
            more = tend(campaign_id=UUID(campaign_id))
    if more:
        bell.ring(tend_queue, campaign_id)


@shared_task(acks_late=True, soft_time_limit=25, time_limit=30)
def finish_campaign(campaign_id: str) -> None:
    """End a campaign whose messages are all final.  Twice is harmless: it ends once."""
    bell.answer(finish_campaign, campaign_id)
    with tenancy.as_engine():
        if ended := finish([UUID(campaign_id)]):
            note_minutes(also=ended)


@shared_task(acks_late=True, soft_time_limit=25, time_limit=30)
def sweep_campaigns() -> None:
    """Start what is due and ring for what a lost bell missed.  Twice is harmless: rows are changed conditionally."""
    with tenancy.as_engine():
        start_due()
        note_minutes(also=finish())
        work = find_work()
    _ring_all(read_recipient_file, work.unread_files)
    _ring_all(accept_batches, work.sending)
    _ring_all(tend_queue, work.queues)


@shared_task(acks_late=True, soft_time_limit=80, time_limit=90)
def erase_overdue_files() -> None:
    """Erase recipient files past their organisation's deadline.  Twice is harmless: what is gone stays gone."""
    from .retention import erase_overdue_files

    erase_overdue_files()


def _ring_all(task, ids: Iterable[UUID]) -> None:
    for id in ids:
        bell.ring(task, id)


def _organisation_of(campaign_id: UUID) -> Organisation | None:
    with tenancy.as_engine():
        found = Campaign.objects.select_related("organisation").filter(pk=campaign_id).first()
    return found.organisation if found else None
