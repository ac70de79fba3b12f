"""Announcements.  A room that changed something says so after commit, with ids only; upper rooms listen."""

from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal


def emit(event: Signal, *, sender: type, **facts: Any) -> None:
    """Send `event` once the surrounding transaction has committed; not at all when it rolls back.

    An event is a hint and the row is the truth: receivers only enqueue, and each queue has a sweeper.
    A receiver that fails is logged and does not keep the others from hearing it.
    """
    transaction.on_commit(partial(event.send_robust, sender=sender, **facts), robust=True)
