"""Leaving a neighbour alone for a moment after it did not answer, so that not everybody waits for it in turn."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

REST_SECONDS = 2.0


class Breaker:
    """Remembers, for this process, that somebody did not answer a moment ago.

    While it is open nobody asks.  Afterwards one call finds out, and the others go on leaving it alone meanwhile.
    """

    def __init__(self, name: str, *, rest_seconds: float = REST_SECONDS) -> None:
        self.name, self.rest_seconds = name, rest_seconds
        self._open_until = 0.0

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self._open_until

    def trip(self, error: Exception) -> None:
        if not self.is_open:
            log.warning("leaving it alone for a moment", extra={"what": self.name, "why": type(error).__name__})
        self._open_until = time.monotonic() + self.rest_seconds

    def reset(self) -> None:
        self._open_until = 0.0

    @contextmanager
    def around(self, *troubles: type[Exception], away: Exception) -> Iterator[None]:
        """Run the block unless the breaker is open; raises `away` then.  One of `troubles` in the block opens it; anything
        else that comes back, were it another exception, is an answer."""
        if self.is_open:
            raise away
        if self._open_until:
            self._open_until = time.monotonic() + self.rest_seconds
        try:
            yield
        except troubles as error:
            self.trip(error)
            raise
        except Exception:
            self.reset()  # a refusal is an answer too
            raise
        self.reset()


#: The cache, the counters of limits and the rings that wait.
CACHE = Breaker("cache")
#: Celery's broker, for those who only want to ring.
BROKER = Breaker("broker")
