"""Celery beat as the house runs it: each occurrence is rung for once, however many beats run, die or disagree on the time.

The time is the database's, and the database remembers what was rung for.  An occurrence is claimed and its task sent in
one transaction: a broker that is away leaves it to be claimed again a second later, a beat killed in between leaves it to
the next, which may then send it twice; every task bears that.  What came due while no beat ran is rung for once.
"""

import logging
from datetime import UTC, datetime, timedelta

from celery.beat import ScheduleEntry, Scheduler, SchedulingError
from celery.schedules import crontab, schedule
from django.db import Error, connection

from kit import tenancy
from portal.site.occurrences import claim_occurrence, database_now

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: The longest a crontab can stay silent: from one 29 February to the one after the next.
_LONGEST_SILENCE_DAYS = 8 * 366


class HouseScheduler(Scheduler):
    """Keeps no state of its own; see the module."""

    def __init__(self, *args, **kwargs) -> None:
        self._rung: dict[str, datetime] = {}
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        self.merge_inplace(self.app.conf.beat_schedule)

    def tick(self, **kwargs) -> float:
        """Ring for what has come due; seconds until the next look."""
        try:
            self.ring_due()
        except SchedulingError as error:
            log.warning("nobody could be rung", extra={"why": str(error)})
        except Error as error:
            log.warning("the clock's database is away", extra={"why": type(error).__name__})
            connection.close()
        return LOOK_SECONDS

    def ring_due(self, *, now: datetime | None = None) -> list[str]:
        """Ring for every entry whose latest occurrence nobody has rung for; which ones."""
        now = now or database_now()
        return [name for name, entry in self.schedule.items() if self._ring(entry, now)]

    def _ring(self, entry: ScheduleEntry, now: datetime) -> bool:
        at = latest_occurrence(entry.schedule, now)
        if self._rung.get(entry.name) == at:
            return False
        with tenancy.as_engine():
            is_ours = claim_occurrence(entry=entry.name, at=at, now=now)
            if is_ours:
                self.apply_async(entry, advance=False)
        self._rung[entry.name] = at
        return is_ours


def latest_occurrence(when: schedule | crontab, now: datetime) -> datetime:
    """The last moment up to `now` at which the schedule says something is due.  Crontabs are read in UTC."""
    if not isinstance(when, crontab):
        seconds = when.run_every.total_seconds()
        return _EPOCH + timedelta(seconds=(now - _EPOCH).total_seconds() // seconds * seconds)
    now = now.astimezone(UTC).replace(second=0, microsecond=0)
    for days in range(_LONGEST_SILENCE_DAYS):
        day = (now - timedelta(days=days)).replace(hour=23, minute=59) if days else now
        if moment := _latest_within(when, day):
            return moment
    raise ValueError(f"{when} never occurs")


def _latest_within(when: crontab, until: datetime) -> datetime | None:
    """Its last moment of that day, up to `until`."""
    weekday = until.isoweekday() % 7
    if until.day not in when.day_of_month or until.month not in when.month_of_year or weekday not in when.day_of_week:
        return None
    moments = [(hour, minute) for hour in when.hour for minute in when.minute]
    passed = [moment for moment in moments if moment <= (until.hour, until.minute)]
    if not passed:
        return None
    hour, minute = max(passed)
    return until.replace(hour=hour, minute=minute)
