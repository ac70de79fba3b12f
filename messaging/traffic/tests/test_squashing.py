import threading

import pytest
from django.db import connection
from django.db.models import Sum

from accounts.tests.factories import make_customer
from kit import tenancy
from messaging.engine.models import TrafficCount
from messaging.engine.states import Status
from messaging.traffic.squash import squash
from messaging.traffic.tests.factories import count_traffic


def sums() -> dict:
    return TrafficCount.objects.aggregate(
        messages=Sum("messages"), segments=Sum("segments"), amount=Sum("amount"), latency=Sum("latency_ms")
    )


@pytest.mark.django_db
def test_deltas_of_a_key_become_one_row_and_every_sum_stays():
    customer = make_customer()
    for _ in range(3):
        count_traffic(customer, Status.DELIVERED, 5, amount=700, latency_ms=900)
        count_traffic(customer, Status.UNDELIVERED, 1, error_code="001")
    before = sums()

    assert squash() == 6
    count_traffic(customer, Status.DELIVERED, 2, amount=280, latency_ms=100)
    assert squash() == 1
    assert squash() == 0

    assert TrafficCount.objects.count() == 2
    assert TrafficCount.objects.get(status=Status.DELIVERED).messages == 17
    assert sums()["messages"] == before["messages"] + 2
    assert sums()["amount"] == before["amount"] + 280


@pytest.mark.django_db
def test_hours_organisations_campaigns_and_reasons_stay_apart():
    one, other = make_customer(), make_customer()
    count_traffic(one, Status.UNDELIVERED, 1, error_code="001")
    count_traffic(one, Status.UNDELIVERED, 1, error_code="027")
    count_traffic(one, Status.UNDELIVERED, 1, error_code="001", campaign_id=one.pk)
    count_traffic(other, Status.UNDELIVERED, 1, error_code="001")

    squash()

    assert TrafficCount.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_whoever_reads_while_writers_and_squashers_work_never_sees_a_message_go_missing():
    customer = make_customer()
    writers, squashers, each = 3, 3, 40
    start = threading.Barrier(writers + squashers + 1)
    is_over = threading.Event()

    def write() -> None:
        with_own_connection(
            start, lambda: [engine(lambda: count_traffic(customer, Status.QUEUED, 1)) for _ in range(each)]
        )

    def squash_on() -> None:
        with_own_connection(start, lambda: until(is_over, squash))

    threads = [threading.Thread(target=job) for job in [write] * writers + [squash_on] * squashers]
    for thread in threads:
        thread.start()
    start.wait()
    seen = []
    while any(thread.is_alive() for thread in threads[:writers]):
        seen.append(sums()["messages"] or 0)
    is_over.set()
    for thread in threads:
        thread.join()
    squash()

    assert seen == sorted(seen)
    assert sums()["messages"] == writers * each
    assert TrafficCount.objects.filter(is_squashed=False).count() == 0
    assert TrafficCount.objects.count() <= 2  # the hour may have turned


def engine(work) -> None:
    with tenancy.as_engine():
        work()


def until(is_over: threading.Event, work) -> None:
    while not is_over.is_set():
        work()


def with_own_connection(start: threading.Barrier, work) -> None:
    try:
        start.wait()
        work()
    finally:
        connection.close()
