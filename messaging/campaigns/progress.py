"""How far a campaign is, as people ask it: handed to carriers of those it can reach, never rows queued."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import RedisError

from accounts.models import Organisation
from messaging.engine.meanings import meaning_of
from messaging.engine.queries import Progress, progress_of
from messaging.engine.states import Status

from .listing import ListedCampaign
from .models import Campaign

#: Speed is taken over so many seconds.
WINDOW = 60
#: A sending campaign that did not move for so many seconds is said to stand still.
STALLED_AFTER = 60
#: Of those finished; fewer finished messages say too little.
HIGH_FAILURE, ENOUGH_FINISHED = 0.03, 100
QUARTERS = (25, 50, 75, 100)
_KEPT_SECONDS = 24 * 3600
#: Failures that are ours to explain, not a carrier's.
_LEFT_OUT_REASONS = frozenset({"opted_out", "cancelled", "organisation_suspended"})


@dataclass(frozen=True)
class CampaignProgress:
    """One campaign's numbers.  `left_out` never leave: values that can't be sent, opted out, cancelled."""

    campaign: Campaign | ListedCampaign
    messages: Progress = field(default_factory=Progress)

    @property
    def delivered(self) -> int:
        return self.messages.delivered

    @property
    def blocked(self) -> int:
        """Opted out, or stopped by us at the moment they would have left."""
        return self._in(Status.BLOCKED)

    @property
    def cancelled(self) -> int:
        return self._in(Status.CANCELLED)

    @property
    def expired(self) -> int:
        """No receipt came in time."""
        return self._in(Status.EXPIRED)

    @property
    def failed(self) -> int:
        return self._in(Status.UNDELIVERED) + self._in(Status.REFUSED)

    @property
    def handed_over(self) -> int:
        """Given to carriers, whatever they answered.  One whose answer was lost counts once its receipt is there."""
        answered = self._in(Status.SUBMITTED) + self._in(Status.REFUSED)
        return max(answered, self.delivered + self.failed + self.expired)

    @property
    def waiting(self) -> int:
        return max(0, self.handed_over - self.delivered - self.failed - self.expired)

    @property
    def reachable(self) -> int:
        """Recipients a message can leave for."""
        return max(0, self.campaign.recipients - self.campaign.skipped - self.blocked)

    @property
    def not_sent(self) -> int:
        return max(0, self.reachable - self.handed_over)

    @property
    def left_out(self) -> int:
        return self.campaign.skipped + self.blocked

    @property
    def percent(self) -> int:
        if not self.reachable:
            return 100 if self.campaign.has_ended else 0
        return min(100, 100 * self.handed_over // self.reachable)

    @property
    def quarter(self) -> int:
        """The last of 25, 50, 75 and 100 % that was passed; 0 before."""
        return max((quarter for quarter in QUARTERS if quarter <= self.percent), default=0)

    @property
    def spent(self) -> int:
        return self.messages.spent

    @property
    def returned(self) -> int:
        return self.messages.returned

    @property
    def held(self) -> int:
        """Micros still set aside for messages on their way."""
        return max(0, self.messages.held - self.spent - self.returned)

    @property
    def fails_often(self) -> bool:
        finished = self.delivered + self.failed
        return finished >= ENOUGH_FINISHED and self.failed > HIGH_FAILURE * finished

    @property
    def reasons(self) -> list[dict[str, Any]]:
        """Why messages failed, the most frequent first."""
        found = [(code, count) for code, count in self.messages.by_reason.items() if code not in _LEFT_OUT_REASONS]
        found.sort(key=lambda pair: -pair[1])
        return [{"code": code, "count": count, "meaning": meaning_of(code)} for code, count in found]

    def _in(self, status: Status) -> int:
        return self.messages.by_status.get(int(status), 0)


def with_progress(organisation: Organisation, campaigns: Sequence[Campaign | ListedCampaign]) -> list[CampaignProgress]:
    """The numbers of each, in one query."""
    begun = [campaign.pk for campaign in campaigns if campaign.accepted]
    found = progress_of(organisation, begun) if begun else {}
    return [CampaignProgress(campaign, found.get(campaign.pk, Progress())) for campaign in campaigns]


def progress_for(organisation: Organisation, campaign: Campaign) -> CampaignProgress:
    return with_progress(organisation, [campaign])[0]


@dataclass(frozen=True)
class Pace:
    """Messages a second over the last minute, and for how long nothing has moved."""

    per_second: float = 0.0
    still_seconds: int = 0

    @property
    def is_stalled(self) -> bool:
        return self.still_seconds >= STALLED_AFTER

    def done_at(self, left: int) -> datetime | None:
        """When what is left will have been handed over, going on like this."""
        if self.per_second <= 0 or left <= 0:
            return None
        return timezone.now() + timedelta(seconds=min(left / self.per_second, 7 * 24 * 3600))


def pace_of(progress: CampaignProgress) -> Pace:
    """The campaign's pace, from what earlier looks at it saw.  Without the cache it is simply not known."""
    now, moved = time.time(), progress.handed_over + progress.delivered + progress.failed
    key = _key(progress.campaign.pk)
    try:
        seen = cache.get(key) or []
        seen = _noted(seen, now, progress.handed_over, moved)
        cache.set(key, seen, timeout=_KEPT_SECONDS)
    except RedisError:
        return Pace()
    return _pace(seen, now)


Look = tuple[float, int, int]


def _noted(seen: list[Look], now: float, handed_over: int, moved: int) -> list[Look]:
    """The looks of the last minute, and before them the one since which nothing has moved."""
    if not seen or seen[-1][2] != moved:
        seen = [*seen, (now, handed_over, moved)]
    recent = [look for look in seen if look[0] > now - WINDOW]
    return seen[-1 - len(recent) :] if recent else seen[-1:]


def _pace(seen: list[Look], now: float) -> Pace:
    first, last = seen[0], seen[-1]
    still = int(now - last[0])
    span = now - max(first[0], now - WINDOW)
    if len(seen) < 2 or span < 1 or still >= WINDOW:
        return Pace(0.0, still)
    return Pace((last[1] - first[1]) / span, still)


def _key(campaign_id: UUID) -> str:
    return f"campaign:pace:{campaign_id}"
