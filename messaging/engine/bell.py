"""The doorbell.  A ring is a hint that there is work; the rows are the truth, and a sweeper rings for what was missed."""

import logging
from uuid import UUID

from celery import Task
from django.core.cache import cache
from kombu.exceptions import OperationalError as BrokerAway
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

#: One ring waits for an answer at most this long; then another may be put in the queue.
PENDING_SECONDS = 3
CALM_SECONDS = 5


def ring(task: Task, subject: UUID | str | None = None) -> bool:
    """Send `task` unless a ring for the same subject is waiting already.  False when nobody could be rung.

    The broker being away is no error: the sweeper rings again when it is back.
    """
    try:
        if not cache.add(_key(task, subject), 1, timeout=PENDING_SECONDS):
            return True
        task.apply_async(args=() if subject is None else (str(subject),), retry=False)
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
        cache.set(_key(task, subject), 1, timeout=PENDING_SECONDS)
    except RedisError as error:
        log.warning("rings will come though somebody is at it", extra={"task": task.name, "why": type(error).__name__})


def answer(task: Task, subject: UUID | str | None = None) -> None:
    """Take the ring off: what is stored from here on may ring anew."""
    try:
        cache.delete(_key(task, subject))
    except RedisError as error:
        log.warning("a ring stays up until it times out", extra={"task": task.name, "why": type(error).__name__})


def _key(task: Task, subject: UUID | str | None) -> str:
    return f"bell:{task.name}:{subject or ''}"
