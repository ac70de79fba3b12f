"""How fast a carrier lets us speak: what was agreed, and what it turns out to take."""

from __future__ import annotations

import math


class Governor:
    """A token bucket of segments with a short burst, so that a second never carries much more than the rate.

    A message longer than the bucket is let through and paid for by waiting longer afterwards.
    """

    def __init__(self, rate: float | None) -> None:
        self._at = 0.0
        self.set_rate(rate)
        self._tokens = self._burst

    @property
    def rate(self) -> float | None:
        return self._rate

    def set_rate(self, rate: float | None) -> None:
        self._rate = rate
        self._burst = max(1.0, (rate or 0) / 10)
        self._tokens = min(getattr(self, "_tokens", self._burst), self._burst)

    def wait(self, now: float) -> float:
        """Seconds until the next segment may leave; 0 when it may leave now."""
        if self._rate is None:
            return 0.0
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._at) * self._rate)
        self._at = now
        return 0.0 if self._tokens >= 1 else (1 - self._tokens) / self._rate

    def spend(self, segments: int) -> None:
        if self._rate is not None:  # what left freely is no debt once there is a rate
            self._tokens -= segments


class Throttle:
    """The pace that a carrier's "too fast" teaches us.

    A few refusals among many acceptances are the carrier's way of working and cost no pace.  More than that, and more
    than chance makes of few answers, brings the pace below what was accepted in the last second, from where it is
    tried again: quickly up to where it failed, slowly around it, quickly beyond.

    What is refused even at the lower pace is the carrier's usual share: it does not come of our pace and holds nothing
    up.  It is measured again when it has held the pace up for a while.  A carrier that accepts nothing is left in peace
    for a while, longer each time.
    """

    INTERVAL, LONGEST_INTERVAL, ENOUGH_ANSWERS = 1.0, 4.0, 20
    IN_A_ROW = 20
    TOLERATED, MOST_USUAL = 0.1, 0.5
    DEVIATIONS = 2  # standard ones, of refusals at random: so many more are no chance
    SLOWEST = 1.0
    FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
    BACK, NEAR, BEYOND = 0.85, 0.95, 1.25  # of what was taken when it failed
    FASTER, SLIGHTLY_FASTER = 1.5, 1.02
    HELD_UP = 30  # judgements in a row

    def __init__(self) -> None:
        self._governor = Governor(None)
        self._begun = self._paused_until = self._pause = 0.0
        self._accepted = self._refused = self._segments = self._in_a_row = 0
        #: Segments a second that were taken when the pace was too high, and the share that was refused.
        self._failed_at = self._failed_share = 0.0
        #: The share refused below that; None before it was measured.
        self._usual: float | None = None
        self._is_settling, self._held_up = False, 0

    @property
    def limit(self) -> float | None:
        """Segments a second; None while the carrier has not complained of late."""
        return self._governor.rate

    def wait(self, now: float) -> float:
        return max(0.0, self._paused_until - now) or self._governor.wait(now)

    def spend(self, segments: int) -> None:
        self._governor.spend(segments)

    def heard(self, now: float, *, accepted: int, refused: int, segments: int) -> None:
        """Count answers as they come, and the segments of those that were accepted."""
        if now < self._paused_until:  # they answer what left before the pause
            return
        if not self._accepted and not self._refused:
            self._begun = now
        self._accepted += accepted
        self._refused += refused
        self._segments += segments
        self._in_a_row = 0 if accepted else self._in_a_row + refused
        if self._in_a_row >= (self.IN_A_ROW if self._accepted else 1):
            self._leave_in_peace(now)
        elif self._is_enough(now - self._begun):
            self._judge(max(now - self._begun, self.INTERVAL))

    def _is_enough(self, seconds: float) -> bool:
        if self._accepted + self._refused < self.ENOUGH_ANSWERS:
            return seconds >= self.LONGEST_INTERVAL
        return seconds >= self.INTERVAL

    def _leave_in_peace(self, now: float) -> None:
        self._pause = min(self.LONGEST_PAUSE, self._pause * 2 or self.FIRST_PAUSE)
        self._paused_until, self._in_a_row = now + self._pause, 0
        if not self._accepted:
            self._refused = 0

    def _judge(self, seconds: float) -> None:
        answers, refused, taken = self._accepted + self._refused, self._refused, self._segments / seconds
        self._accepted, self._refused, self._segments, self._pause = 0, 0, 0, 0.0
        if self._is_settling:  # some of these left at the pace before
            self._is_settling = False
            return
        if self.limit and self._usual is None and self._comes_of_no_pace(refused / answers):
            self._usual = refused / answers
        if refused > self._bearable(max(self.TOLERATED, self._usual or 0.0), answers):
            self._step_back(taken, refused / answers)
        elif limit := self.limit:
            self._go_on(limit, taken, refused <= max(1, self._bearable(self._usual or 0.0, answers)))

    def _comes_of_no_pace(self, share: float) -> bool:
        """Whether so much would be refused however slowly we spoke, after a step back."""
        return share <= self.TOLERATED or 0.75 * self._failed_share < share <= self.MOST_USUAL

    def _bearable(self, share: float, answers: int) -> float:
        """How many refusals among so many answers still come of this share, by chance."""
        return share * answers + self.DEVIATIONS * math.sqrt(share * (1 - share) * answers)

    def _step_back(self, taken: float, share: float) -> None:
        self._failed_at, self._failed_share = max(self.SLOWEST, taken), share
        self._usual, self._held_up, self._is_settling = None, 0, True
        self._governor.set_rate(max(self.SLOWEST, self.BACK * taken))

    def _go_on(self, limit: float, taken: float, is_usual: bool) -> None:
        self._held_up = 0 if is_usual else self._held_up + 1
        if is_usual:
            # A limit far above what is sent no longer limits anything.
            self._governor.set_rate(None if limit > 4 * max(taken, self._failed_at) else self._faster(limit))
        elif self._held_up >= self.HELD_UP:
            self._step_back(taken, 0.0)

    def _faster(self, limit: float) -> float:
        near = self.NEAR * self._failed_at
        if limit < near:
            return min(near, limit * self.FASTER) + 1
        if limit < self.BEYOND * self._failed_at:
            return limit * self.SLIGHTLY_FASTER + 1
        return limit * self.FASTER
