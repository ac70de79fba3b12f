"""The doorbell.  A ring is a hint that there is work; the rows are the truth, and a sweeper rings for what was missed."""

import logging
from collections.abc import Collection
from uuid import UUID, uuid4

from celery import Task
from django.core.cache import cache
from kombu.exceptions import OperationalError as BrokerAway
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

#: One ring waits for an answer at most this long; then another may be put in the queue.
PENDING_SECONDS = 3
CALM_SECONDS = 5
#: What a ring carries of the last answer before it, and for how long an answer is known.
LAST_ANSWER, ANSWER_SECONDS = "last_answer", 600
_RUNG, _ATTENDED = 1, 2


def ring(task: Task, subject: UUID | str | None = None) -> bool:
    """Send `task` unless a ring for the same subject is waiting already.  False when nobody could be rung.

    The broker being away is no error: the sweeper rings again when it is back.
    """
    try:
        if not cache.add(_key(task, subject), _RUNG, timeout=PENDING_SECONDS):
            return True
        last = cache.get(_answered(task, subject), "")
        task.apply_async(args=() if subject is None else (str(subject),), headers={LAST_ANSWER: last}, retry=False)
    except (RedisError, BrokerAway, OSError) as error:
        log.warning("nobody could be rung", extra={"task": task.name, "why": type(error).__name__})
        return False
    return True


def ring_now_and_then(task: Task) -> bool:
    """Ring at most once in a few seconds, for work that may wait for its sweeper.  False when nobody could be rung."""
    try:
        if not cache.add(f"{_key(task, None)}calm", 1, timeout=CALM_SECONDS):
            return True
    except RedisError as error:
        log.warning("nobody could be rung", extra={"task": task.name, "why": type(error).__name__})
        return False
    return ring(task)


def attend(task: Task, subject: UUID | str | None = None) -> None:
    """Say that somebody is at it: nobody has to ring until they `answer`, or have not said so for some seconds.

    Whoever attends looks once more after answering, so that what came without a ring is not left.
    """
    try:
        cache.set(_key(task, subject), _ATTENDED, timeout=PENDING_SECONDS)
    except RedisError as error:
        log.warning("rings will come though somebody is at it", extra={"task": task.name, "why": type(error).__name__})


def are_attended(task: Task, subjects: Collection[UUID | str]) -> set[UUID | str]:
    """Those of the subjects that somebody is at; none while nobody can tell."""
    try:
        found = cache.get_many([_key(task, subject) for subject in subjects])
    except RedisError:
        return set()
    return {subject for subject in subjects if found.get(_key(task, subject)) == _ATTENDED}


def answer(task: Task, subject: UUID | str | None = None) -> None:
    """Take the ring off: what is stored from here on may ring anew.  Rings that are still on their way are overtaken."""
    try:
        cache.set(_answered(task, subject), uuid4().hex, timeout=ANSWER_SECONDS)
        cache.delete(_key(task, subject))
    except RedisError as error:
        log.warning("a ring stays up until it times out", extra={"task": task.name, "why": type(error).__name__})


def is_overtaken(task: Task, subject: UUID | str | None = None) -> bool:
    """Whether somebody has answered since the ring that `task` runs for was sent, and so has seen what it was sent for.

    A ring that waits for longer than it counts as pending is joined by another; if both were followed, each would ring
    again for as long as there is work.  For tasks that answer when they leave: one that answers as it begins, is killed
    and delivered again, would take its own answer for somebody else's.
    """
    request = task.request  # a worker has a message's headers among its fields
    rung_after = request.get(LAST_ANSWER, (request.headers or {}).get(LAST_ANSWER))
    if rung_after is None:  # called, not rung
        return False
    try:
        return cache.get(_answered(task, subject), rung_after) != rung_after
    except RedisError:
        return False


def _key(task: Task, subject: UUID | str | None) -> str:
    return f"bell:{task.name}:{subject or ''}"


def _answered(task: Task, subject: UUID | str | None) -> str:
    return f"{_key(task, subject)}:answered"
