"""Things to do later, many thousands of them, on one timer."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from itertools import count
from typing import Any

_GRAIN_SECONDS = 0.005


class Agenda:
    """Calls `do(*args)` at its time, in order of time; things due within the same 5 ms share one wake-up."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_at = 0.0

    def __len__(self) -> int:
        return len(self._due)

    def after(self, seconds: float, do: Callable[..., None], *args: Any) -> None:
        at = self._loop.time() + seconds
        heapq.heappush(self._due, (at, next(self._order), do, args))
        if self._timer is None or at < self._wakes_at - _GRAIN_SECONDS:
            self._wake_at(at)

    def stop(self) -> None:
        self._due.clear()
        if self._timer:
            self._timer.cancel()

    def _wake_at(self, at: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._wakes_at = max(at, self._loop.time() + _GRAIN_SECONDS)
        self._timer = self._loop.call_at(self._wakes_at, self._work)

    def _work(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._due and self._due[0][0] <= now:
            _at, _order, do, args = heapq.heappop(self._due)
            do(*args)
        if self._due and self._timer is None:
            self._wake_at(self._due[0][0])
