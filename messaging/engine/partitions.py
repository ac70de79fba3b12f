"""The days of the message table: made before they are needed, dropped when nobody may keep them any longer."""

import logging
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.conf import settings
from django.db import OperationalError

from kit import tenancy
from kit.ids import first_id_at
from kit.sql import rows

log = logging.getLogger(__name__)

DAYS_AHEAD = 5


def make_days_ahead(*, today: date | None = None) -> list[date]:
    """See that today and the coming days have a partition; the days that were made."""
    first = today or datetime.now(UTC).date()
    days = [first + timedelta(days=ahead) for ahead in range(DAYS_AHEAD + 1)]
    with tenancy.as_engine():
        made = rows("SELECT day FROM unnest(%s::date[]) AS day WHERE make_message_partition(day)", [days])
    return [day for (day,) in made]


def drop_past_days(*, today: date | None = None) -> list[date]:
    """Drop the days past the platform's retention; which ones.

    A day with a message that is not final yet stays, and so does one that somebody is reading at the moment: the next
    round comes in an hour.
    """
    oldest_kept = (today or datetime.now(UTC).date()) - timedelta(days=settings.MESSAGE_RETENTION_DAYS)
    return [day for day in days_there_are() if day < oldest_kept and _drop(day)]


def days_there_are() -> list[date]:
    """The days that have a partition, oldest first."""
    with tenancy.as_engine():
        return [day for (day,) in rows("SELECT message_days()")]


def first_id_kept(*, today: date | None = None) -> UUID:
    """Every message from this id on may still be there; what belongs to earlier ones is left over."""
    oldest_kept = (today or datetime.now(UTC).date()) - timedelta(days=settings.MESSAGE_RETENTION_DAYS)
    first_day = min([oldest_kept, *days_there_are()[:1]])
    return first_id_at(datetime.combine(first_day, time(), tzinfo=UTC))


def _drop(day: date) -> bool:
    try:
        with tenancy.as_engine():
            ((is_gone,),) = rows("SELECT drop_message_partition(%s)", [day])
    except OperationalError as error:  # lock_timeout: a long report is reading it
        log.warning("a day of messages is in use", extra={"day": day.isoformat(), "why": type(error).__name__})
        return False
    log.info("a day of messages is past retention", extra={"day": day.isoformat(), "is_dropped": is_gone})
    return is_gone
