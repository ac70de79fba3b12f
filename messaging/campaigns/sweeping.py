"""Finding work whose bell was lost, and campaigns whose time has come.  Runs under the engine."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now

from .models import Campaign, RecipientFile
from .reading import to_be_read

MOST = 500


@dataclass(frozen=True)
class Work:
    """Ids to ring for."""

    unread_files: list[UUID]
    sending: list[UUID]
    queues: list[UUID]


def start_due() -> int:
    """Let scheduled campaigns begin whose time has come by the database's clock; how many."""
    due = Campaign.objects.filter(status=Campaign.Status.SCHEDULED, starts_at__lte=Now())
    return due.update(status=Campaign.Status.SENDING, started_at=Now())


def find_work() -> Work:
    """Files to read, campaigns with rows left to accept, and queues that may not follow their campaign's status."""
    unread = RecipientFile.objects.filter(Q(status__in=["uploaded", "reading"]), to_be_read())
    sending = Campaign.objects.filter(status=Campaign.Status.SENDING, all_accepted_at=None)
    queues = Campaign.objects.filter(tend_queue_until__isnull=False)
    return Work(
        *(list(found.order_by("id").values_list("pk", flat=True)[:MOST]) for found in (unread, sending, queues))
    )
