from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from agents.rules.months import Month

NOON = datetime(2026, 10, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "zone, month", [("UTC", "2026-10"), ("Pacific/Kiritimati", "2026-11"), ("America/Los_Angeles", "2026-10")]
)
def test_a_months_first_day_comes_first_in_the_east(zone, month):
    assert str(Month.of(NOON, ZoneInfo(zone))) == month


def test_a_month_spans_a_change_of_the_clocks():
    begin, end = Month(2026, 10).span(ZoneInfo("Europe/London"))

    assert (end.astimezone(UTC) - begin.astimezone(UTC)).total_seconds() == (31 * 24 + 1) * 3600


def test_the_year_turns():
    assert Month(2026, 12).following == Month(2027, 1)
    assert Month(2027, 1).previous == Month(2026, 12)
    assert Month(2026, 5).previous.following == Month(2026, 5)


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13", "2026-00", "2026-1", " 2026-10", "2026-10\n", "٢٠٢٦-١٠", "99999-10"]
)
def test_what_is_no_month_is_refused(text):
    with pytest.raises(ValueError, match="not a month"):
        Month.read(text)
