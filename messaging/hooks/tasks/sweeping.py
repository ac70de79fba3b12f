"""Work across tenants: finding what nobody told us of, and ending what has no hope."""

import time
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import RedisError

from kit import tenancy
from kit.ids import first_id_at
from kit.sql import run
from messaging.hooks.actions import switch_off
from messaging.hooks.claims import is_anything_ripe
from messaging.hooks.collecting import anybody_listens, collect_missed, collect_settled
from messaging.hooks.queries import failing_since_before

#: Organisations nobody listened for, and until when (by the monotonic clock) that is believed.
_nobody_until: dict[UUID, float] = {}
NOBODY_SECONDS = 1.0
NOBODIES_KEPT = 10_000
FAILING_FOR = timedelta(hours=24)
HISTORY_DAYS = 30

_FORGET = """
DELETE FROM hooks_webhookdelivery WHERE id IN (
    SELECT id FROM hooks_webhookdelivery WHERE id < %s AND status <> 'waiting' ORDER BY id LIMIT 10000)
"""


def does_anybody_listen(organisation_ids: Collection[UUID]) -> bool:
    """Whether collecting would find anything.  Most messages settle with nobody who wants to hear of them.

    A "no" is believed for a second, organisation by organisation; what that misses the sweep collects.
    """
    now = time.monotonic()
    unsure = {id for id in organisation_ids if _nobody_until.get(id, 0) < now}
    if not unsure:
        return False
    with tenancy.as_engine():
        if anybody_listens(unsure):
            return True
    if len(_nobody_until) > NOBODIES_KEPT:
        _nobody_until.clear()
    _nobody_until.update(dict.fromkeys(unsure, now + NOBODY_SECONDS))
    return False


def collect(message_ids: Sequence[str]) -> int:
    with tenancy.as_engine():
        return collect_settled(message_ids)


def sweep(*, now: datetime | None = None) -> bool:
    """Collect what was missed (each minute of late, each hour of all), switch off the hopeless; is there work?"""
    now = now or timezone.now()
    with tenancy.as_engine():
        if _is_turn("minute", 60):
            collect_missed(final_within=timedelta(minutes=30), accepted_within=timedelta(minutes=45), now=now)
        if _is_turn("hour", 3600):
            longest_way = timedelta(hours=settings.MESSAGE_VALIDITY_HOURS + 25)
            collect_missed(final_within=timedelta(hours=25), accepted_within=longest_way, now=now)
            run(_FORGET, [first_id_at(now - timedelta(days=HISTORY_DAYS))])
    switch_off_hopeless(now=now)
    with tenancy.as_engine():
        return is_anything_ripe()


def switch_off_hopeless(*, now: datetime) -> None:
    """Switch off endpoints no call has reached for a day.  Their owners see why, and can send everything again."""
    with tenancy.as_engine():
        hopeless = list(failing_since_before(now - FAILING_FOR))
    for endpoint in hopeless:
        with endpoint.organisation.scope():
            switch_off(endpoint=endpoint, by=None)


def _is_turn(name: str, seconds: int) -> bool:
    """Whether this is the process whose turn it is.  Without the cache it is everybody's: late is worse than often."""
    try:
        return cache.add(f"hooks:sweep:{name}", 1, timeout=seconds - 1)
    except RedisError:
        return True
