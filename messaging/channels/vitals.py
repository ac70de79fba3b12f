"""Whether a carrier is in trouble, by what its line has shown of late.  Knows neither tables nor threads."""

from collections.abc import Sequence
from datetime import UTC, datetime

from .types.base import ChannelState, NotSent, Outcome, Refused, Sent, SpeaksOf, Unknown

#: A line that is not up for so long is not coming up at once.
DOWN_SECONDS = 4.0
#: A carrier that owes more than one answer for so long has none.
SILENT_SECONDS, ENOUGH_OWED = 5.0, 2
#: So many "not now" and lost answers, or those and refusals that speak of the carrier, and no sign of life, over so long.
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
        """Take note of what came of a batch; whether the carrier showed that it is well.

        It does when it took any of it, and when most of what it said was about the messages: whoever finds fault with a
        list of numbers is at work.  Some wrong numbers among failures say nothing, because they need not get far to be found.
        """
        if any(type(outcome) is Sent for outcome in reversed(outcomes)):
            self.sent_at = datetime.now(UTC)
            self.forget()
            return True
        failures = [_word_of(outcome) for outcome in outcomes if _is_failure(outcome)]
        refusals = [outcome.code for outcome in outcomes if _is_refusal(outcome, "carrier")]
        if sum(_is_refusal(outcome, "message") for outcome in outcomes) > len(failures) + len(refusals):
            self.forget()
            return True
        self._count(failures, refusals, now)
        return False

    def _count(self, failures: list[str], refusals: list[str], now: float) -> None:
        if failures or refusals:
            self._failures, self._refusals = self._failures + len(failures), self._refusals + len(refusals)
            self.last_words = (failures or refusals)[-1]
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


def was_asked(outcomes: Sequence[Outcome]) -> bool:
    """Whether any of it was for the carrier to judge, and not for ourselves alone."""
    return not all(_is_refusal(outcome, "ourselves") for outcome in outcomes)


def handed_over(outcomes: Sequence[Outcome]) -> int:
    """How many of these went to the carrier, as far as anybody knows."""
    return sum(type(one) is Sent or not (type(one) is NotSent or _is_refusal(one, "ourselves")) for one in outcomes)


def _is_failure(outcome: Outcome) -> bool:
    """A "not now", or an answer that got lost."""
    return isinstance(outcome, Unknown) or (isinstance(outcome, Refused) and outcome.retry)


def _is_refusal(outcome: Outcome, of: SpeaksOf) -> bool:
    """A no for good that speaks of this."""
    return isinstance(outcome, Refused) and not outcome.retry and outcome.speaks_of == of


def _word_of(outcome: Outcome) -> str:
    return outcome.code if isinstance(outcome, Refused) else outcome.why
