from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.tests.factories import make_customer
from messaging.engine.states import Status
from messaging.traffic.queries import in_flight, tallies_by_country, tallies_of_spans, total
from messaging.traffic.tests.factories import count_traffic

pytestmark = pytest.mark.django_db


@pytest.fixture
def hour():
    return timezone.now().replace(minute=0, second=0, microsecond=0)


def test_an_hours_tally_adds_all_its_deltas_up(hour):
    customer = make_customer()
    for _ in range(2):
        count_traffic(customer, Status.QUEUED, 10, hour=hour)
        count_traffic(customer, Status.DELIVERED, 7, hour=hour, amount=210_000, latency_ms=7_000)
    count_traffic(customer, Status.EXPIRED, 1, hour=hour)
    count_traffic(customer, Status.QUEUED, 99, hour=hour - timedelta(hours=1))
    count_traffic(make_customer(), Status.QUEUED, 50, hour=hour)

    with customer.scope():
        [tallies] = tallies_of_spans(customer, (hour, hour + timedelta(hours=1)))
    tally = tallies[hour]

    assert (tally.accepted, tally.delivered, tally.failed, tally.spent) == (20, 14, 1, 420_000)
    assert tally.mean_latency_ms == 1_000


def test_countries_come_the_busiest_first(hour):
    customer = make_customer()
    count_traffic(customer, Status.QUEUED, 3, country="DE")
    count_traffic(customer, Status.QUEUED, 5, country="CN")

    with customer.scope():
        found = tallies_by_country(customer, hour, hour + timedelta(hours=2))

    assert list(found) == ["CN", "DE"]
    assert total(found.values()).accepted == 8


def test_what_is_in_flight_was_accepted_and_is_not_final(hour):
    customer = make_customer()
    count_traffic(customer, Status.QUEUED, 10, hour=hour - timedelta(hours=30))
    count_traffic(customer, Status.SUBMITTED, 8)
    count_traffic(customer, Status.DELIVERED, 4)
    count_traffic(customer, Status.CANCELLED, 1)

    with customer.scope():
        assert in_flight(customer) == 5
