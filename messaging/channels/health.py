"""How each channel stands: what its workers last said, and how much goes through it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation

from .models import Bind, Breaker, Channel
from .pace import FIVE_MINUTES
from .queries import channels_of
from .runtime import SILENT_SECONDS

LABELS = {
    "up": _("Bound"),
    "degraded": _("Degraded"),
    "connecting": _("Connecting"),
    "refused": _("Refused by the carrier"),
    "down": _("Down"),
    "paused": _("Paused"),
    "avoided": _("Avoided"),
    "silent": _("No worker holds it"),
}
TONES = {
    "up": "ok", "degraded": "warn", "connecting": "run", "refused": "bad", "down": "bad", "paused": "wait", "silent": "bad",
    "avoided": "bad",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """A channel and the binds that spoke lately; the others belong to workers that are gone."""

    channel: Channel
    binds: list[Bind]
    breaker: Breaker | None = None

    @property
    def state(self) -> str:
        """up, degraded (some binds are not up), or how the binds are; paused, avoided (its carrier is in trouble) and silent
        (nobody holds it) come first."""
        if not self.channel.is_active:
            return "paused"
        if self.breaker:
            return "avoided"
        if not self.binds:
            return "silent"
        states = {bind.state for bind in self.binds}
        if states == {"bound"}:
            return "up" if self.binds_up == self.binds_wanted else "degraded"
        if "bound" in states:
            return "degraded"
        return next(state for state in ("connecting", "refused", "down") if state in states)

    @property
    def is_up(self) -> bool:
        return self.state in ("up", "degraded")

    @property
    def label(self) -> Any:
        return LABELS[self.state]

    @property
    def tone(self) -> str:
        return TONES[self.state]

    @property
    def binds_up(self) -> int:
        return sum(bind.binds_up for bind in self.binds)

    @property
    def binds_wanted(self) -> int:
        return sum(bind.binds for bind in self.binds)

    @property
    def in_flight(self) -> int:
        return sum(bind.in_flight for bind in self.binds)

    @property
    def handed_over_in_a_minute(self) -> int:
        return sum(bind.handed_over_in_a_minute for bind in self.binds)

    @property
    def per_second(self) -> float:
        """Messages a second that its workers handed over within the last five minutes, since they opened it."""
        return sum(bind.handed_over_in_five_minutes for bind in self.binds) / FIVE_MINUTES.total_seconds()

    @property
    def since(self) -> datetime | None:
        return min((bind.since for bind in self.binds), default=None)

    @property
    def last_error(self) -> str:
        errors = [self.breaker.why] if self.breaker else [bind.last_error for bind in self.binds]
        return next(filter(None, errors), "")


def health_of(organisation: Organisation, *, now: datetime | None = None) -> list[ChannelHealth]:
    """The operator's channels by name; three queries, whatever there is."""
    return [health(channel, now=now) for channel in channels_of(organisation)]


def health(channel: Channel, *, now: datetime | None = None) -> ChannelHealth:
    """One channel's, its binds prefetched or read here."""
    now = now or timezone.now()
    binds = sorted(channel.binds.all(), key=lambda bind: bind.worker)
    living = [bind for bind in binds if bind.updated_at >= now - timedelta(seconds=SILENT_SECONDS)]
    breaker = getattr(channel, "breaker", None)
    return ChannelHealth(channel, living, breaker if breaker and breaker.retry_at > now else None)
