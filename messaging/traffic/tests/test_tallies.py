from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.tests.factories import make_agent, make_customer
from kit.sql import rows
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


def test_the_figures_of_a_reseller_are_its_own_where_its_customers_are_seen_too(hour):
    agent = make_agent()
    customer = make_customer(parent=agent)
    this, before = (hour, hour + timedelta(hours=1)), (hour - timedelta(hours=1), hour)
    for first, messages in ((hour, 3), (hour - timedelta(hours=1), 4)):
        count_traffic(agent, Status.QUEUED, messages, hour=first)
        count_traffic(customer, Status.QUEUED, 100, hour=first)

    with agent.downline_scope():
        found = [total(tallies.values()).accepted for tallies in tallies_of_spans(agent, this, before)]
        flying = in_flight(agent)
        by_country = total(tallies_by_country(agent, hour, hour + timedelta(hours=1)).values()).accepted

    assert (found, flying, by_country) == ([3, 4], 7, 3)


def test_a_span_ends_where_the_next_begins(hour):
    customer = make_customer()
    for hours, messages in ((-2, 100), (-1, 4), (0, 3), (1, 100)):
        count_traffic(customer, Status.QUEUED, messages, hour=hour + timedelta(hours=hours))
    this, before = (hour, hour + timedelta(hours=1)), (hour - timedelta(hours=1), hour)

    with customer.scope():
        found = [total(tallies.values()).accepted for tallies in tallies_of_spans(customer, this, before)]

    assert found == [3, 4]


def test_no_other_hours_are_read_than_the_spans_ask_for(hour):
    customer = make_customer()
    for hours in range(-4, 3):
        count_traffic(customer, Status.QUEUED, 1, hour=hour + timedelta(hours=hours))
    earlier = hour - timedelta(hours=2)

    with customer.scope(), CaptureQueriesContext(connection) as asked:
        tallies_of_spans(customer, (hour, hour + timedelta(hours=1)), (earlier, earlier + timedelta(hours=1)))
    with customer.scope():
        read = rows(asked[-1]["sql"])

    assert {first for _span, first, *_figures in read} == {hour, earlier}


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


def test_nothing_older_than_its_validity_is_in_flight(hour):
    customer = make_customer()
    count_traffic(customer, Status.QUEUED, 2)
    count_traffic(customer, Status.QUEUED, 10, hour=hour - timedelta(hours=settings.MESSAGE_VALIDITY_HOURS + 26))

    with customer.scope():
        assert in_flight(customer) == 2
