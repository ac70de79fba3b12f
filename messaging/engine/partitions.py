"""The days of the message table."""

from datetime import UTC, date, datetime, timedelta

from kit import tenancy
from kit.sql import rows

DAYS_AHEAD = 5


def make_days_ahead(*, today: date | None = None) -> list[date]:
    """See that today and the coming days have a partition; the days that were made."""
    first = today or datetime.now(UTC).date()
    days = [first + timedelta(days=ahead) for ahead in range(DAYS_AHEAD + 1)]
    with tenancy.as_engine():
        made = rows("SELECT day FROM unnest(%s::date[]) AS day WHERE make_message_partition(day)", [days])
    return [day for (day,) in made]
