"""Thin shells over this room's actions."""

import logging

from celery import shared_task

from . import facts

log = logging.getLogger(__name__)


@shared_task(acks_late=True, soft_time_limit=25, time_limit=30)
def note_tick() -> None:
    """Note that beat rang.  Twice is harmless: the later time stays."""
    facts.note_tick()


@shared_task(acks_late=True, soft_time_limit=1750, time_limit=1800)
def check_books() -> None:
    """Check the books on the live system.  Twice is harmless: it only reads."""
    if found := facts.check_books():
        log.critical("the books do not balance: run manage.py check_books", extra={"rows": found})
