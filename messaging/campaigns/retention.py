"""Recipient files are gone by the deadline their organisation sets: the file, its rows, and whatever was shown of it.

How many rows there were, and of which countries, stays.  Runs under the engine; may be stopped anywhere and run again.
"""

import logging
import time
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage
from django.utils import timezone

from kit import tenancy
from kit.sql import rows, run

from .models import Campaign, RecipientFile, SkippedRow

log = logging.getLogger(__name__)

BATCH = 5_000
TURN_SECONDS = 40
MOST_FILES = 200
ERASED = "file_erased"

# A file is past its deadline so many days after it came, and after the last row of the last campaign with it had its turn.
# What a campaign is not done with stays.
_DUE = """
SELECT f.id FROM campaigns_recipientfile f JOIN accounts_organisation o ON o.id = f.organisation_id
CROSS JOIN LATERAL (SELECT %(now)s - make_interval(days => least(o.erase_after_days, %(most)s)) AS deadline) due
WHERE f.path <> '' AND f.created_at < due.deadline AND f.status <> 'reading' AND NOT EXISTS (
    SELECT FROM campaigns_campaign c WHERE c.file_id = f.id AND c.status <> 'draft'
        AND (c.status NOT IN ('sent', 'cancelled') OR coalesce(c.all_accepted_at, c.ended_at) >= due.deadline))
ORDER BY f.id LIMIT %(files)s
"""

_ROWS = tuple(
    f"DELETE FROM {table} WHERE id = ANY(ARRAY(SELECT id FROM {table} WHERE file_id = %s LIMIT {BATCH}))"  # noqa: S608
    for table in ("campaigns_recipient", "campaigns_unusablerow")
)


def erase_overdue_files(*, now: datetime | None = None, turn_seconds: float = TURN_SECONDS) -> int:
    """Erase the files past their deadline; how many.  What one turn leaves, the next one takes."""
    until, erased = time.monotonic() + turn_seconds, 0
    for file_id in _due(now or timezone.now()):
        if not _erase_rows(file_id, until):
            break
        _erase_file(file_id)
        erased += 1
    return erased


def _due(now: datetime) -> list[UUID]:
    bounds = {"now": now, "most": settings.MESSAGE_RETENTION_DAYS, "files": MOST_FILES}
    with tenancy.as_engine():
        return [id for (id,) in rows(_DUE, bounds)]


def _erase_rows(file_id: UUID, until: float) -> bool:
    """Whether all of them are gone; not when the turn was over before."""
    for statement in _ROWS:
        gone = BATCH
        while gone == BATCH:
            if time.monotonic() > until:
                return False
            with tenancy.as_engine():
                gone = run(statement, [file_id])
    return True


def _erase_file(file_id: UUID) -> None:
    """The upload first: its row names it until it is gone."""
    with tenancy.as_engine():
        file = RecipientFile.objects.get(pk=file_id)
        default_storage.delete(file.path)
        SkippedRow.objects.filter(campaign__in=Campaign.objects.filter(file=file)).exclude(number="").update(number="")
        file.path, file.status = "", RecipientFile.Status.REFUSED
        file.shape = {name: value for name, value in file.shape.items() if name not in ("sample", "header")}
        file.refusal = {
            "code": ERASED,
            "message": "Its numbers were erased by your organisation's deadline.",
            "details": {},
        }
        file.save(update_fields=["path", "status", "shape", "refusal"])
    log.info("recipient file erased", extra={"file_id": str(file_id), "organisation_id": str(file.organisation_id)})
