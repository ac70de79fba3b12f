"""How fast a carrier lets us speak."""

from __future__ import annotations


class Governor:
    """A token bucket of segments with a short burst, so that a second never carries much more than the rate.

    A message longer than the bucket is let through and paid for by waiting longer afterwards.
    """

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._burst = max(1.0, (rate or 0) / 10)
        self._tokens, self._at = self._burst, 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next segment may leave; 0 when it may leave now."""
        if self._rate is None:
            return 0.0
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._at) * self._rate)
        self._at = now
        return 0.0 if self._tokens >= 1 else (1 - self._tokens) / self._rate

    def spend(self, segments: int) -> None:
        self._tokens -= segments


class Throttle:
    """The pause after a carrier said "too fast": short at first, doubling while it keeps saying so."""

    FIRST, LONGEST = 0.1, 5.0

    def __init__(self) -> None:
        self._pause, self._until = 0.0, 0.0

    def complained(self, now: float) -> None:
        if now >= self._until:  # a window full of complaints is one complaint
            self._pause = min(self.LONGEST, self._pause * 2 or self.FIRST)
            self._until = now + self._pause

    def accepted(self, now: float) -> None:
        if now >= self._until:
            self._pause = 0.0

    def wait(self, now: float) -> float:
        return max(0.0, self._until - now)
