"""The doorbell is a hint: when nobody can be rung nothing is lost, and who waits is rung once."""

from functools import partial

import pytest
from celery import shared_task
from django.core.cache import cache

from messaging.engine.bell import answer, are_attended, attend, is_overtaken, ring, ring_now_and_then
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


# --- rings that are overtaken


@shared_task(name="tests.attend_to")
def attend_to(subject):
    """Hears a ring, unless it is overtaken."""
    heard.append("overtaken" if is_overtaken(attend_to, subject) else subject)


@pytest.fixture
def on_their_way(monkeypatch):
    """Rings in the order they were sent.  Called, one arrives."""
    sent = []
    send = attend_to.apply_async
    monkeypatch.setattr(attend_to, "apply_async", lambda **facts: sent.append(partial(send, **facts)))
    return sent


def test_a_ring_that_was_answered_in_between_is_overtaken(on_their_way):
    """Seen to be followed as well, and to ring again each time: more and more rings in the queue."""
    ring(attend_to, "a")
    cache.delete("bell:tests.attend_to:a")  # it waited for longer than it counts as pending
    ring(attend_to, "a")
    first, second = on_their_way

    first()
    answer(attend_to, "a")
    ring(attend_to, "a")
    second()
    on_their_way[2]()

    assert heard == ["a", "overtaken", "a"]


def test_a_ring_is_overtaken_by_answers_to_its_own_subject_only(on_their_way):
    ring(attend_to, "a")
    answer(attend_to, "b")
    on_their_way[0]()

    assert heard == ["a"]


def test_a_ring_is_followed_when_nobody_knows_of_an_answer(on_their_way, settings):
    answer(attend_to, "a")
    ring(attend_to, "a")
    cache.clear()  # Valkey was wiped
    on_their_way[0]()
    answer(attend_to, "a")
    ring(attend_to, "a")
    settings.CACHES = {"default": NOBODY_THERE}
    on_their_way[1]()

    assert heard == ["a", "a"]


def test_who_is_at_it_is_told_from_who_was_rung():
    ring(listen, "a")
    attend(listen, "b")

    assert are_attended(listen, ["a", "b", "c"]) == {"b"}
    answer(listen, "b")
    assert are_attended(listen, ["a", "b", "c"]) == set()


def test_nobody_is_known_to_be_at_it_without_valkey(settings):
    settings.CACHES = {"default": NOBODY_THERE}

    assert are_attended(listen, ["a"]) == set()
