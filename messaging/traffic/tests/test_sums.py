"""Hours and days summed up: whatever is counted, squashed and summed in whatever order, every figure is what was counted."""

import random
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts.tests.factories import make_agent, make_customer
from kit import tenancy
from kit.ids import uuid7
from messaging.engine.models import TrafficCount
from messaging.engine.states import Status
from messaging.traffic import sums
from messaging.traffic.models import SumProgress, TrafficSum
from messaging.traffic.queries import (
    Tally,
    in_flight,
    tallies_by_channel,
    tallies_by_organisation,
    tallies_of_spans,
    total,
)
from messaging.traffic.squash import squash
from messaging.traffic.sums import sum_up
from messaging.traffic.tests.factories import count_traffic

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: Of so many days ago every hour is summed.  Yesterday's last stays open for the first hour of today.
LONG_OVER = 2
CHANNELS = [uuid7(), uuid7()]
CODES = (Status.QUEUED, Status.SUBMITTED, Status.DELIVERED, Status.UNDELIVERED, Status.CANCELLED)


@pytest.fixture
def hour() -> datetime:
    return timezone.now().replace(minute=0, second=0, microsecond=0)


def midnight(hour: datetime, *, days_ago: int) -> datetime:
    return hour.astimezone(UTC).replace(hour=0) - days_ago * DAY


def plainly(counts: list[TrafficCount], first: datetime, last: datetime) -> Tally:
    """The figures of a span as anybody would add them up."""
    own = [one for one in counts if first <= one.hour < last]

    def messages(*statuses: Status) -> int:
        return sum(one.messages for one in own if one.status in statuses)

    arrived = [one for one in own if one.status == Status.DELIVERED]
    return Tally(
        messages(Status.QUEUED), messages(Status.DELIVERED), messages(Status.UNDELIVERED, Status.CANCELLED),
        sum(one.amount for one in arrived), sum(one.latency_ms for one in arrived),
    )  # fmt: skip


# --- what is summed


@pytest.mark.django_db
def test_hours_and_days_that_are_over_are_a_row_each(hour):
    customer, past = make_customer(), midnight(hour, days_ago=LONG_OVER)
    for hours in (0, 0, 5):
        for country in ("GB", "DE"):
            count_traffic(customer, Status.QUEUED, 2, hour=past + hours * HOUR, country=country)
    count_traffic(customer, Status.QUEUED, 100)
    squash()

    sum_up()

    found = TrafficSum.objects.order_by("-unit", "begins_at").values_list("unit", "begins_at", "accepted")
    assert list(found) == [("hour", past, 8), ("hour", past + 5 * HOUR, 4), ("day", past, 12)]
    assert SumProgress.objects.get().summed_before > past + DAY


@pytest.mark.django_db
def test_an_hour_stays_open_for_an_hour_after_its_end(hour):
    customer = make_customer()
    for hours in (0, 1, 2):
        count_traffic(customer, Status.QUEUED, 1, hour=hour - hours * HOUR)
    squash()

    sum_up()

    [summed] = TrafficSum.objects.filter(unit="hour")
    assert (summed.begins_at, SumProgress.objects.get().summed_before) == (hour - 2 * HOUR, hour - HOUR)


@pytest.mark.django_db
def test_a_long_past_is_summed_a_portion_at_a_time_and_read_in_full_meanwhile(hour, monkeypatch):
    monkeypatch.setattr(sums, "MOST_DAYS", 3)
    customer, first = make_customer(), midnight(hour, days_ago=7 + LONG_OVER)
    for days in range(8):
        count_traffic(customer, Status.QUEUED, 1, hour=first + days * DAY)
    squash()

    seen, summed = [], []
    for _minute in range(4):
        sum_up()
        summed.append(TrafficSum.objects.filter(unit="day").count())
        with customer.scope():
            seen.append(tallies_by_organisation(first, hour + HOUR)[customer.pk].accepted)

    assert (summed[:2], summed[3], seen) == ([3, 6], 8, [8] * 4)


@pytest.mark.django_db
def test_a_clock_set_back_sums_nothing_twice_and_forgets_nothing(hour):
    customer = make_customer()
    count_traffic(customer, Status.QUEUED, 3, hour=hour - 3 * HOUR)
    squash()
    SumProgress.objects.create(summed_before=hour + 30 * DAY)

    sum_up()
    count_traffic(customer, Status.QUEUED, 4, hour=hour)
    squash()

    assert SumProgress.objects.get().summed_before == hour + 30 * DAY
    assert list(TrafficSum.objects.filter(unit="hour").values_list("begins_at", "accepted")) == [(hour, 4)]


# --- what is read


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(8))
def test_any_order_of_counting_squashing_and_summing_gives_what_was_counted(seed, hour, monkeypatch):
    dice = random.Random(seed)
    monkeypatch.setattr(sums, "MOST_DAYS", 1)
    monkeypatch.setattr("messaging.traffic.squash.BATCH", 7)
    customer, counts = make_customer(), []
    first = hour - 4 * DAY

    def count() -> None:
        status = dice.choice(CODES)
        counts.append(
            count_traffic(
                customer, status, dice.randint(1, 9), hour=first + dice.randrange(4 * 24 + 1) * HOUR,
                amount=dice.randint(0, 99), latency_ms=dice.randint(0, 999), channel_id=dice.choice(CHANNELS),
                country=dice.choice(["GB", "DE"]), error_code=dice.choice(["", "001"]),
            )
        )  # fmt: skip

    for step in range(60):
        dice.choice([count, count, count, squash, sum_up])()
        since, until = sorted(first + dice.randrange(-3, 4 * 24 * 60 + 90) * timedelta(minutes=1) for _ in "ab")
        with customer.scope():
            by_hour = tallies_of_spans(customer, (since, until), (first, hour + HOUR))
            by_organisation = tallies_by_organisation(since, until)
            by_channel = tallies_by_channel(since, until)
            flying = in_flight(customer)

        asked, whole = plainly(counts, since, until), plainly(counts, first, hour + HOUR)
        note = f"seed {seed}, step {step}, {since} to {until}"
        assert [total(one.values()) for one in by_hour] == [asked, whole], note
        assert all(since <= one < until for one in by_hour[0]), note
        assert by_organisation.get(customer.pk, Tally()) == asked, note
        assert total(by_channel.values()) == asked, note
        since = timezone.now() - timedelta(hours=settings.MESSAGE_VALIDITY_HOURS + 24)
        recent = plainly(counts, since, hour + HOUR)
        assert flying == max(0, recent.accepted - recent.final), note


@pytest.mark.django_db
def test_days_are_those_of_any_clock(hour):
    """Sums are of UTC's days; a month that begins at another clock's midnight begins with hours."""
    customer, first = make_customer(), midnight(hour, days_ago=5)
    for hours in range(0, 48):
        count_traffic(customer, Status.QUEUED, 1, hour=first + hours * HOUR)
    squash()
    sum_up()
    shanghai = first + 16 * HOUR

    with customer.scope():
        assert tallies_by_organisation(shanghai, hour)[customer.pk].accepted == 32
        assert tallies_by_organisation(shanghai, shanghai + DAY)[customer.pk].accepted == 24
        assert tallies_by_organisation(shanghai - timedelta(minutes=30), hour)[customer.pk].accepted == 32


# --- who may see and change them


@pytest.mark.django_db
def test_sums_are_seen_by_their_organisation_and_from_above_alone(hour):
    agent = make_agent()
    below, stranger = make_customer(parent=agent), make_customer()
    for organisation in (agent, below, stranger):
        count_traffic(organisation, Status.QUEUED, 1, hour=hour - 2 * DAY)
    squash()
    sum_up()

    def seen(scope) -> set:
        with scope:
            owners = set(TrafficSum.objects.values_list("organisation_id", flat=True))
            assert set(tallies_by_organisation(hour - 3 * DAY, hour)) == owners
            return owners

    assert seen(below.scope()) == {below.pk}
    assert seen(agent.downline_scope()) == {agent.pk, below.pk}
    assert seen(tenancy.as_visitor()) == set()


@pytest.mark.django_db
@pytest.mark.parametrize("model", [TrafficSum, SumProgress])
def test_no_tenant_changes_them(hour, model):
    customer = make_customer()
    count_traffic(customer, Status.QUEUED, 1, hour=hour - 2 * DAY)
    squash()
    sum_up()

    for change in (lambda: model.objects.all().delete(), lambda: model.objects.update(**{FIELD[model]: hour})):
        with customer.scope(), pytest.raises(Exception, match="permission denied"), transaction.atomic():
            change()


FIELD = {TrafficSum: "begins_at", SumProgress: "summed_before"}


# --- several at once


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("_case", "first", "second"), [("squashing", squash, sum_up), ("summing", sum_up, squash)])
def test_what_is_squashed_while_its_hour_is_summed_is_in_its_sum(_case, first, second, hour):
    """Seen to fail with `alone` always true: neither sees the other, and the late counts are in no sum."""
    customer, past = make_customer(), hour - 5 * HOUR
    count_traffic(customer, Status.QUEUED, 2, hour=past)
    squash()
    count_traffic(customer, Status.QUEUED, 3, hour=past)
    is_done, may_commit = threading.Barrier(2, timeout=20), threading.Barrier(2, timeout=20)

    def hold() -> None:
        with tenancy.as_engine():
            first()
            is_done.wait()
            may_commit.wait()

    thread = threading.Thread(target=closing(hold))
    thread.start()
    is_done.wait()
    second()
    may_commit.wait()
    thread.join()
    squash()
    sum_up()

    assert TrafficSum.objects.get(unit="hour").accepted == 5
    with customer.scope():
        assert tallies_by_organisation(past, past + HOUR)[customer.pk].accepted == 5


@pytest.mark.django_db(transaction=True)
def test_whoever_reads_while_others_count_squash_and_sum_never_sees_a_message_go_missing(hour):
    customer, first = make_customer(), midnight(hour, days_ago=3)
    start, is_over = threading.Barrier(5, timeout=20), threading.Event()

    def count() -> None:
        start.wait()
        for number in range(60):
            with tenancy.as_engine():
                count_traffic(customer, Status.QUEUED, 1, hour=first + number * HOUR)

    def work() -> None:
        start.wait()
        while not is_over.is_set():
            squash()
            sum_up()

    counting = [threading.Thread(target=closing(count)) for _ in range(2)]
    others = [threading.Thread(target=closing(work)) for _ in range(2)]
    for thread in counting + others:
        thread.start()
    start.wait()
    seen = [0]
    while any(thread.is_alive() for thread in counting):
        with customer.scope():
            seen.append(tallies_by_organisation(first, hour + HOUR).get(customer.pk, Tally()).accepted)
    is_over.set()
    for thread in counting + others:
        thread.join()

    assert seen == sorted(seen)
    with customer.scope():
        assert tallies_by_organisation(first, hour + HOUR)[customer.pk].accepted == 120


def closing(job):
    def run() -> None:
        try:
            job()
        finally:
            connection.close()

    return run
