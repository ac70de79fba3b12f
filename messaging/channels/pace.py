"""How much a line was given of late.  Knows neither tables nor threads."""

from collections import deque
from datetime import timedelta

MINUTE, FIVE_MINUTES = timedelta(minutes=1), timedelta(minutes=5)


class Pace:
    """Counts messages handed over, and remembers how many it had counted whenever it was asked within five minutes.

    `now` is always the monotonic clock's.
    """

    def __init__(self, *, now: float) -> None:
        self._total = 0
        self._looks = deque([(now, 0)])

    def note(self, messages: int) -> None:
        self._total += messages

    def look(self, *, now: float) -> tuple[int, int]:
        """Messages of the last minute and of the last five, as exact as it is asked often: every few seconds."""
        while len(self._looks) > 1 and self._looks[1][0] <= now - FIVE_MINUTES.total_seconds():
            self._looks.popleft()
        self._looks.append((now, self._total))
        minute_ago = now - MINUTE.total_seconds()
        before = next((total for at, total in reversed(self._looks) if at <= minute_ago), self._looks[0][1])
        return self._total - before, self._total - self._looks[0][1]
