"""Deliveries of messages that are gone go too.  They hold ids and answers only: texts are put in when a call is made."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from kit import tenancy
from kit.ids import first_id_at
from kit.sql import run

BATCH = 5_000
MOST_BATCHES = 50

_DELETE = """
DELETE FROM hooks_webhookdelivery WHERE id = ANY(ARRAY(
    SELECT id FROM hooks_webhookdelivery WHERE id < %s ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED))
"""


def delete_past_retention(*, now: datetime | None = None) -> int:
    """Delete the deliveries past the platform's retention, in small batches; how many."""
    first_kept = first_id_at((now or timezone.now()) - timedelta(days=settings.MESSAGE_RETENTION_DAYS))
    total = 0
    for _ in range(MOST_BATCHES):
        with tenancy.as_engine():
            gone = run(_DELETE, [first_kept, BATCH])
        total += gone
        if gone < BATCH:
            break
    return total
