"""The doorbell is a hint: when nobody can be rung nothing is lost, and who waits is rung once."""

import pytest
from celery import shared_task
from django.core.cache import cache

from messaging.engine.bell import answer, ring, ring_now_and_then
from messaging.engine.models import Message
from messaging.engine.states import Status
from messaging.engine.tasks import fold_receipts, sweep
from messaging.engine.tests.factories import make_world

pytestmark = pytest.mark.django_db
NOBODY_THERE = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/1"}
heard = []


@shared_task(name="tests.listen")
def listen(subject=None):
    """Hears a ring and leaves it unanswered, as a worker that is busy."""
    heard.append(subject)


@pytest.fixture(autouse=True)
def quiet():
    cache.clear()
    heard.clear()


def statuses():
    return set(Message.objects.values_list("status", flat=True))


def test_without_valkey_messages_are_accepted_and_the_sweeper_rings_later(settings, django_capture_on_commit_callbacks):
    world = make_world()
    there = settings.CACHES
    settings.CACHES = {"default": NOBODY_THERE}

    with django_capture_on_commit_callbacks(execute=True):
        accepted = world.accept(3)
    assert len(accepted.messages) == 3
    assert statuses() == {Status.QUEUED}

    settings.CACHES = there
    sweep()
    fold_receipts()
    assert not Message.objects.exclude(recipient__endswith="0003").filter(status__lt=90).exists()


def test_with_valkey_the_ring_follows_the_commit(django_capture_on_commit_callbacks):
    world = make_world()

    with django_capture_on_commit_callbacks(execute=True):
        world.accept(2)

    assert Status.QUEUED not in statuses()


def test_a_ring_that_waits_is_not_repeated():
    assert [ring(listen, "a"), ring(listen, "a"), ring(listen, "b")] == [True, True, True]

    assert heard == ["a", "b"]


def test_who_has_answered_is_rung_anew():
    ring(listen, "a")
    answer(listen, "a")
    ring(listen, "a")

    assert heard == ["a", "a"]


def test_a_ring_without_a_subject_is_a_ring_of_its_own():
    ring(listen)
    ring(listen)

    assert heard == [None]


def test_ringing_and_answering_without_valkey_raises_nothing(settings):
    settings.CACHES = {"default": NOBODY_THERE}

    assert ring(listen, "a") is False
    answer(listen, "a")
    assert heard == []


def test_work_that_may_wait_is_rung_now_and_then():
    for _ in range(3):
        assert ring_now_and_then(listen)
        answer(listen)

    assert heard == [None]


def test_nobody_there_to_be_rung_now_and_then_is_no_error(settings):
    settings.CACHES = {"default": NOBODY_THERE}

    assert not ring_now_and_then(listen)
