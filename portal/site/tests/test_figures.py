"""What the dashboard says of two spans side by side, at fixed moments."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.tests.factories import make_customer
from messaging.engine.states import Status
from messaging.traffic.tests.factories import count_traffic
from portal.site.home.figures import chart, figures_of, kpis
from portal.site.home.periods import Period

pytestmark = pytest.mark.django_db
LONDON, KOLKATA = ZoneInfo("Europe/London"), ZoneInfo("Asia/Kolkata")


@pytest.fixture
def customer():
    return make_customer(time_zone="Europe/London")


def traffic(customer, hour: datetime, *, sent: int, failed: int = 0, seconds: int = 2) -> None:
    delivered = sent - failed
    count_traffic(customer, Status.QUEUED, sent, hour=hour)
    count_traffic(
        customer,
        Status.DELIVERED,
        delivered,
        hour=hour,
        amount=delivered * 30_000,
        latency_ms=delivered * seconds * 1000,
    )
    if failed:
        count_traffic(customer, Status.UNDELIVERED, failed, hour=hour)


def figures(customer, now: datetime, code: str = "today"):
    with timezone.override(now.tzinfo), customer.scope():
        found = figures_of(customer, Period(code, now))
        return kpis(found), chart(found)


def test_today_is_compared_with_the_same_day_last_week_up_to_the_last_full_hour(customer):
    now = datetime(2026, 11, 22, 15, 12, tzinfo=LONDON)
    traffic(customer, now - timedelta(hours=1), sent=106, seconds=3)
    traffic(customer, now, sent=50)
    traffic(customer, now - timedelta(days=7, hours=1), sent=100, failed=10)
    traffic(customer, now - timedelta(days=7), sent=900)

    (sent, delivered, latency, spend), _bars = figures(customer, now)

    assert (sent["value"], sent["delta"], sent["direction"]) == ("156", "6.0%", "up")
    assert (delivered["value"], delivered["delta"], delivered["trend"]) == ("100.0%", "10.0 pt", "better")
    assert (latency["delta"], latency["trend"]) == ("1.0 s slower", "worse")
    assert spend["value"] == "£4.68"


def test_bars_stand_on_local_hours_with_last_week_behind_them(customer):
    now = datetime(2026, 11, 22, 15, 12, tzinfo=LONDON)
    traffic(customer, now.replace(hour=0), sent=7)
    traffic(customer, now, sent=20, failed=2)
    count_traffic(customer, Status.QUEUED, 5, hour=now)
    traffic(customer, now.replace(hour=23) - timedelta(days=7), sent=40)

    _kpis, bars = figures(customer, now)
    delivered, _flying, failed, before = (series["data"] for series in bars["series"])

    assert bars["x"][0] == "00:00"
    assert len(bars["x"]) == 24
    assert (delivered[0], delivered[15], failed[15]) == (7, 18, 2)
    assert before[23] == 40


def test_a_day_begins_at_the_tenants_midnight_even_between_full_hours():
    customer = make_customer(time_zone="Asia/Kolkata")
    now = datetime(2026, 11, 22, 9, 0, tzinfo=KOLKATA)
    midnight = datetime(2026, 11, 22, 0, 0, tzinfo=KOLKATA)
    traffic(customer, midnight + timedelta(hours=1), sent=3)

    (sent, *_others), bars = figures(customer, now)

    assert sent["value"] == "3"
    assert sum(bars["series"][0]["data"]) == 3


def test_the_day_the_clocks_change_has_its_own_number_of_hours(customer):
    _kpis, bars = figures(customer, datetime(2026, 10, 25, 12, 0, tzinfo=LONDON))

    assert len(bars["x"]) == 25


def test_thirty_days_are_bars_of_days(customer):
    now = datetime(2026, 11, 22, 15, 12, tzinfo=LONDON)
    for days in range(60):
        traffic(customer, now - timedelta(days=days, hours=2), sent=10 if days < 30 else 8)

    (sent, *_others), bars = figures(customer, now, "30")

    assert len(bars["x"]) == 30
    assert bars["series"][0]["data"] == [10] * 30
    assert bars["series"][-1]["data"] == [8] * 30
    assert (sent["value"], sent["delta"]) == ("300", "25.0%")


def test_nothing_before_is_said_instead_of_a_change(customer):
    now = datetime(2026, 11, 22, 15, 12, tzinfo=LONDON)
    traffic(customer, now, sent=4)

    (sent, delivered, *_others), bars = figures(customer, now)

    assert sent["hint"] == "none the week before"
    assert delivered["hint"] == "0 failed"
    assert len(bars["series"]) == 3
