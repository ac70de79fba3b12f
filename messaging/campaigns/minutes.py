"""A campaign's messages minute by minute."""

from collections import Counter
from datetime import datetime, timedelta
from typing import NamedTuple

from django.core.cache import cache
from django.db.models import Count
from django.db.models.functions import TruncMinute
from django.utils import timezone
from redis.exceptions import RedisError

from messaging.engine.models import Message
from messaging.engine.states import Status

from .models import Campaign

#: How far back the lines go.
SHOWN = timedelta(minutes=30)
#: Everybody who looks within so many seconds sees the same count.
KEPT_SECONDS = 10


class Minute(NamedTuple):
    """What happened within one minute."""

    at: datetime
    handed_over: int
    delivered: int


def minutes_of(campaign: Campaign) -> list[Minute]:
    """The last half hour of its sending, quiet minutes included; the minute under way is left out."""
    if campaign.started_at is None:
        return []
    key = f"campaign:minutes:{campaign.pk}"
    try:
        return cache.get_or_set(key, lambda: _counted(campaign), timeout=KEPT_SECONDS)
    except RedisError:
        return _counted(campaign)


def _counted(campaign: Campaign) -> list[Minute]:
    now = timezone.now()
    end = _floor(min(now, (campaign.ended_at or now) + timedelta(minutes=1)))
    first = max(_floor(campaign.started_at), end - SHOWN)
    handed_over = _by_minute(campaign, "submitted_at", first, end)
    delivered = _by_minute(campaign, "final_at", first, end, status=Status.DELIVERED)
    minutes = [first + timedelta(minutes=place) for place in range(int((end - first) / timedelta(minutes=1)))]
    return [Minute(at, handed_over[at], delivered[at]) for at in minutes]


def _by_minute(campaign: Campaign, moment: str, first: datetime, end: datetime, **state: int) -> Counter[datetime]:
    found = (
        Message.objects.filter(
            organisation_id=campaign.organisation_id,
            campaign_id=campaign.pk,
            **{f"{moment}__gte": first, f"{moment}__lt": end},
            **state,
        )
        .order_by()
        .annotate(minute=TruncMinute(moment))
        .values("minute")
        .annotate(messages=Count("pk"))
    )
    return Counter({row["minute"]: row["messages"] for row in found})


def _floor(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
