"""Whether a carrier is in trouble, by what its line has shown of late.  Knows neither tables nor threads."""

from collections.abc import Sequence
from datetime import UTC, datetime

from .types.base import ChannelState, Outcome, Refused, Sent, Unknown

#: A line that is not up for so long is not coming up at once.
DOWN_SECONDS = 4.0
#: A carrier that owes more than one answer for so long has none.
SILENT_SECONDS, ENOUGH_OWED = 5.0, 2
#: So many "not now" and lost answers, or refusals of whatever kind, and not one message taken, over so long a time.
ENOUGH_FAILURES = 3
ENOUGH_REFUSALS = 20
FAILING_SECONDS = 2.0
#: What was long ago says nothing about now.
STALE_SECONDS = 15.0


class Vitals:
    """What one line has shown.  `now` is always the monotonic clock's."""

    def __init__(self) -> None:
        self.sent_at: datetime | None = None
        self._down_since: float | None = None
        self.forget()

    def forget(self) -> None:
        """Judge the carrier's answers anew from here on."""
        self._failures = self._refusals = 0
        self._first = self._last = 0.0
        self.last_words = ""

    def heard(self, outcomes: Sequence[Outcome], *, now: float) -> bool:
        """Take note of what came of a batch; whether the carrier took any of it."""
        if any(type(outcome) is Sent for outcome in reversed(outcomes)):
            self.sent_at = datetime.now(UTC)
            self.forget()
            return True
        for outcome in outcomes:
            self._count(outcome, now)
        return False

    def _count(self, outcome: Outcome, now: float) -> None:
        match outcome:
            case Unknown():
                self._failures, self.last_words = self._failures + 1, outcome.why
            case Refused() if outcome.retry:
                self._failures, self.last_words = self._failures + 1, outcome.code
            case Refused() if outcome.code.startswith("0x"):  # the carrier's word, not ours
                self._refusals, self.last_words = self._refusals + 1, outcome.code
            case _:
                return
        self._first, self._last = self._first or now, now

    def trouble(self, state: ChannelState, *, now: float) -> str:
        """Why the carrier can't be used now; empty when it can, as far as anybody knows.  Ask every second or so."""
        if state.bind != "bound":
            self._down_since = self._down_since or now
            is_down = now - self._down_since >= DOWN_SECONDS
            return f"not bound ({state.bind}): {state.last_error}" if is_down else ""
        self._down_since = None
        if state.silent_seconds >= SILENT_SECONDS and state.in_flight + state.waiting >= ENOUGH_OWED:
            return f"no answer for {state.silent_seconds:.0f} s"
        return f"takes nothing: {self.last_words}" if self._is_failing(now) else ""

    def _is_failing(self, now: float) -> bool:
        is_enough = self._failures >= ENOUGH_FAILURES or self._failures + self._refusals >= ENOUGH_REFUSALS
        return is_enough and self._last - self._first >= FAILING_SECONDS and now - self._last < STALE_SECONDS
