"""The span a dashboard looks at, and the earlier one it is compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from messaging.traffic.queries import Tally, total

LABELS = {"today": _("Today"), "7": _("7 days"), "30": _("30 days")}
DAYS = {"today": 1, "7": 7, "30": 30}
#: What each is compared with begins so many days earlier.
SHIFTS = {"today": 7, "7": 7, "30": 30}


@dataclass(frozen=True)
class Period:
    """From local midnight up to `now`: this day, or the last 7 or 30 with this one.  In one time zone, for one page."""

    code: str
    now: datetime

    @cached_property
    def first(self) -> datetime:
        return self._midnight(DAYS[self.code] - 1)

    @cached_property
    def before_first(self) -> datetime:
        """Where the earlier span begins, at the same local hour."""
        return self._midnight(DAYS[self.code] - 1 + SHIFTS[self.code])

    @property
    def shift(self) -> timedelta:
        """Whole days, by the clock on the wall: the same local hour even when the clocks changed in between."""
        return timedelta(days=SHIFTS[self.code])

    def earlier(self, instant: datetime) -> datetime:
        """The same local time in the earlier span."""
        return timezone.localtime(instant) - self.shift

    def later(self, instant: datetime) -> datetime:
        """The same local time in this span, of an instant in the earlier one."""
        return timezone.localtime(instant) + self.shift

    @cached_property
    def end(self) -> datetime:
        """After the last of the local hours of today."""
        return self._midnight(-1)

    @cached_property
    def whole_hours_until(self) -> datetime:
        """Comparisons stop at the last full hour: what an hour holds isn't known by the minute."""
        return self.now.replace(minute=0, second=0, microsecond=0)

    @property
    def is_hourly(self) -> bool:
        return self.code == "today"

    @cached_property
    def slots(self) -> list[datetime]:
        """The beginnings of the bars: hours of the day, or days."""
        if self.is_hourly:
            first, end = self._first_hour, self.end.astimezone(UTC)  # a day has 23 to 25 hours
            return [first + HOUR * number for number in range((end - first) // HOUR)]
        return [self._midnight(ago) for ago in reversed(range(DAYS[self.code]))]

    def slot_of(self, hour: datetime) -> datetime:
        """The bar an hour belongs to."""
        if self.is_hourly:
            return self._first_hour + (hour - self._first_hour) // HOUR * HOUR
        return timezone.localtime(hour).replace(hour=0, minute=0, second=0, microsecond=0)

    @cached_property
    def _first_hour(self) -> datetime:
        return self.first.astimezone(UTC)

    def _midnight(self, days_ago: int) -> datetime:
        day = timezone.localtime(self.now).date() - timedelta(days=days_ago)
        return timezone.make_aware(datetime(day.year, day.month, day.day))  # noqa: DTZ001  made aware here


HOUR = timedelta(hours=1)


def period_of(parameters: Mapping[str, str], *, now: datetime | None = None) -> Period:
    """The period a page was asked for; today when it asks for anything else."""
    code = parameters.get("period", "today")
    return Period(code if code in DAYS else "today", now or timezone.now())


def by_slot(period: Period, tallies: Mapping[datetime, Tally], *, is_earlier: bool = False) -> list[Tally]:
    """Tallies of hours gathered into the period's bars; those of the earlier span are laid over them."""
    slots = dict.fromkeys(period.slots, Tally())
    for hour, tally in tallies.items():
        slot = period.slot_of(period.later(hour) if is_earlier else hour)
        if slot in slots:
            slots[slot] += tally
    return list(slots.values())


def until(tallies: Mapping[datetime, Tally], last: datetime) -> Tally:
    return total(tally for hour, tally in tallies.items() if hour < last)
