"""Machines whose clocks are ten minutes off: nothing leaves early or late, and nobody's lease is stolen."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from kit.tests.racing import without
from messaging.campaigns.models import Campaign
from messaging.campaigns.sweeping import start_due
from messaging.campaigns.tests.factories import make_draft
from messaging.engine.dispatch import claim as claiming
from messaging.engine.dispatch import give_up_expired_leases, leases, ring_for_ripe
from messaging.engine.models import Claim, QueueEntry
from messaging.engine.settle import expire_overdue
from messaging.engine.states import Status
from messaging.engine.tests.factories import make_world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nobody_answers")]
TEN_MINUTES = timedelta(minutes=10)
now, time_ns, seconds = timezone.now, time.time_ns, time.time


@pytest.fixture(params=[TEN_MINUTES, -TEN_MINUTES], ids=["ahead", "behind"])
def off(request):
    return request.param


@pytest.fixture
def skewed(monkeypatch):
    """Put this process's clock off by that much; by nothing puts it right."""

    def skew(by):
        monkeypatch.setattr(timezone, "now", lambda: now() + by)
        monkeypatch.setattr(time, "time", lambda: seconds() + by.total_seconds())
        monkeypatch.setattr(time, "time_ns", lambda: time_ns() + int(by.total_seconds() * 1e9))

    return skew


def test_what_a_web_with_a_wrong_clock_accepts_leaves_at_once(skewed, off):
    skewed(off)
    world = make_world()
    world.accept(3)

    skewed(timedelta())

    assert ring_for_ripe() == [world.channel.pk]
    assert len(world.claim()) == 3


def test_what_is_due_later_does_not_leave_early_from_a_worker_with_a_wrong_clock(skewed, off):
    world = make_world()
    world.accept()
    QueueEntry.objects.update(due_at=now() + timedelta(minutes=5))

    skewed(off)

    assert ring_for_ripe() == []
    assert world.claim() == {}


def test_no_lease_is_stolen_or_kept_by_a_wrong_clock(skewed, off):
    world = make_world()
    world.accept(2)
    skewed(off)
    world.claim(limit=1)
    assert now() < Claim.objects.get().lease_until < now() + timedelta(seconds=claiming.LEASE_SECONDS + 5)

    skewed(-off)

    assert give_up_expired_leases() == []
    assert Claim.objects.count() == 1


def test_nothing_expires_early_by_a_workers_clock(skewed):
    world = make_world()
    world.accept()
    skewed(timedelta(days=30))

    expire_overdue(validity=timedelta())

    assert world.message().state == Status.QUEUED


def test_a_campaign_starts_by_the_databases_clock(skewed, off):
    draft = make_draft(make_world())
    Campaign.objects.filter(pk=draft.pk).update(status=Campaign.Status.SCHEDULED, starts_at=now() + off / 2)

    skewed(off)

    assert start_due() == (1 if off < timedelta() else 0)


def test_sabotage_a_lease_by_the_workers_own_clock_is_stolen(skewed, monkeypatch):
    world = make_world()
    world.accept()
    world.claim()
    skewed(TEN_MINUTES)
    monkeypatch.setattr(
        leases, "_EXPIRED", without(leases._EXPIRED, "now()", f"'{timezone.now().isoformat()}'::timestamptz")
    )

    assert len(give_up_expired_leases()) == 1
