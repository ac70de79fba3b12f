"""Two beats, a dead one, a clock that jumps: each scheduled occurrence happens once and none is skipped."""

import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from celery.beat import SchedulingError
from celery.schedules import crontab, schedule
from django.utils import timezone

from kit.tests.racing import race
from messaging.campaigns.models import Campaign
from messaging.campaigns.sweeping import start_due
from messaging.campaigns.tests.factories import make_draft
from messaging.engine.tests.factories import make_world
from portal import clock
from portal.celery import app
from portal.clock import HouseScheduler, latest_occurrence
from portal.site.models import Occurrence

NOON = datetime(2027, 3, 28, 12, 0, 2, tzinfo=UTC)
EVERY_5, HOURLY = "every five seconds", "at seven past"
SCHEDULE = {
    EVERY_5: {"task": "messaging.engine.tasks.sweep", "schedule": 5},
    HOURLY: {"task": "messaging.engine.tasks.make_partitions", "schedule": crontab(minute=7)},
}


class Beat(HouseScheduler):
    """Beat that notes what it would send."""

    def __init__(self) -> None:
        self.rung, self.broker_is_away = [], False
        super().__init__(app)

    def setup_schedule(self) -> None:
        self.update_from_dict(SCHEDULE)

    def apply_async(self, entry, **options):
        if self.broker_is_away:
            raise SchedulingError("nobody home")
        self.rung.append(entry.name)


def seconds(many, *, start=NOON):
    return [start + timedelta(seconds=number) for number in range(many)]


# --- what is due


@pytest.mark.parametrize(
    ("when", "now", "latest"),
    [
        (schedule(timedelta(seconds=5)), "2027-03-28T12:00:04", "2027-03-28T12:00:00"),
        (schedule(timedelta(seconds=300)), "2027-03-28T12:04:59", "2027-03-28T12:00:00"),
        (crontab(minute=7), "2027-03-28T12:06:59", "2027-03-28T11:07:00"),
        (crontab(minute=7), "2027-03-28T00:03:00", "2027-03-27T23:07:00"),
        (crontab(hour=2, minute=30), "2027-03-14T09:00:00", "2027-03-14T02:30:00"),
        (crontab(hour=1, minute=30), "2027-11-07T01:29:00", "2027-11-06T01:30:00"),
        (crontab(hour=0, minute=0, day_of_month=31), "2027-03-01T00:00:00", "2027-01-31T00:00:00"),
        (crontab(hour=0, minute=0, day_of_month=29, month_of_year=2), "2027-03-28T12:00:00", "2024-02-29T00:00:00"),
        (crontab(hour=6, minute=0, day_of_week="sunday"), "2027-03-27T12:00:00", "2027-03-21T06:00:00"),
    ],
    ids=["seconds", "minutes", "hourly", "over midnight", "gap", "overlap", "month end", "leap day", "weekday"],
)
def test_the_latest_occurrence(when, now, latest):
    found = latest_occurrence(when, datetime.fromisoformat(now).replace(tzinfo=UTC))

    assert found == datetime.fromisoformat(latest).replace(tzinfo=UTC)


@pytest.mark.parametrize("name", app.conf.beat_schedule)
def test_every_entry_of_our_schedule_occurs(name):
    beat = HouseScheduler(app)

    assert NOON - latest_occurrence(beat.schedule[name].schedule, NOON) <= timedelta(days=1)


def test_celery_beat_uses_our_clock():
    assert app.conf.beat_scheduler == "portal.clock.HouseScheduler"


# --- once


@pytest.mark.django_db
def test_one_beat_rings_for_each_occurrence_once():
    beat = Beat()

    for now in seconds(600):
        beat.ring_due(now=now)

    assert Counter(beat.rung) == {EVERY_5: 121, HOURLY: 2}, "also for what came due before it began"


@pytest.mark.django_db
def test_a_beat_that_takes_over_rings_for_what_came_due_meanwhile_once():
    first, second = Beat(), Beat()
    for now in seconds(10):
        first.ring_due(now=now)

    for now in seconds(10, start=NOON + timedelta(hours=3)):
        second.ring_due(now=now)

    assert Counter(second.rung) == {EVERY_5: 3, HOURLY: 1}


@pytest.mark.django_db
@pytest.mark.parametrize("jump", [timedelta(hours=25), timedelta(hours=-2)], ids=["ahead", "back"])
def test_a_clock_that_jumps_neither_silences_nor_repeats(jump):
    beat = Beat()
    for now in seconds(10):
        beat.ring_due(now=now)
    beat.rung.clear()

    for now in seconds(20, start=NOON + timedelta(seconds=10) + jump):
        beat.ring_due(now=now)

    assert Counter(beat.rung) == {EVERY_5: 5, HOURLY: 1}


@pytest.mark.django_db
def test_a_clock_that_is_set_back_by_a_second_rings_for_nothing_again():
    beat, other = Beat(), Beat()
    beat.ring_due(now=NOON + timedelta(seconds=4))
    beat.rung.clear()

    other.ring_due(now=NOON)

    assert other.rung == []


@pytest.mark.django_db
def test_the_machines_own_clock_is_not_asked(monkeypatch):
    beat = Beat()
    beat.ring_due()
    monkeypatch.setattr(time, "time", lambda: 4_000_000_000.0)

    beat.ring_due()

    assert Occurrence.objects.get(entry=EVERY_5).last_at < timezone.now() + timedelta(minutes=1)


@pytest.mark.django_db
def test_what_could_not_be_sent_is_claimed_again():
    beat = Beat()
    beat.broker_is_away = True
    assert beat.tick() == clock.LOOK_SECONDS
    assert not Occurrence.objects.exists()

    beat.broker_is_away = False
    beat.ring_due(now=NOON)

    assert Counter(beat.rung) == {EVERY_5: 1, HOURLY: 1}


# --- two at once


def two_beats(moments):
    """Both look at every moment at the same time; how often each entry was rung."""
    beats = [Beat() for _ in range(2)]
    for now in moments:
        race(lambda number, now=now: beats[number].ring_due(now=now), threads=2)
    return Counter(name for beat in beats for name in beat.rung)


@pytest.mark.django_db(transaction=True)
def test_two_beats_ring_once():
    assert two_beats(seconds(15)) == {EVERY_5: 4, HOURLY: 1}


@pytest.mark.django_db(transaction=True)
def test_sabotage_without_the_claim_two_beats_ring_twice(monkeypatch):
    monkeypatch.setattr(clock, "claim_occurrence", lambda **_: True)

    assert two_beats(seconds(15)) == {EVERY_5: 8, HOURLY: 2}


# --- scheduled campaigns


@pytest.mark.django_db(transaction=True)
def test_a_scheduled_campaign_starts_once_however_many_look():
    campaign = make_draft(make_world())
    Campaign.objects.filter(pk=campaign.pk).update(
        status=Campaign.Status.SCHEDULED, starts_at=timezone.now() - timedelta(seconds=1)
    )

    assert sum(race(lambda number: start_due(), threads=6)) == 1
