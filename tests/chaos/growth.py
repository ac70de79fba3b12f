"""Whether anything grows while the load does not: memory of each part, and what waits."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.chaos.faults import children

LOOK_SECONDS = 5.0
MOST_GROWTH_AN_HOUR = 0.05
#: Parts smaller than this are not judged: a page or two would be a share of them.
SMALL_BYTES = 30 * 1024 * 1024
#: In less than this a house is still warming up, and nothing can be told.
SHORTEST_SECONDS = 600
#: The first and the last of so many spans are compared.
SPANS = 6
HOUR = 3_600.0


def own_memory(pid: int) -> int:
    """Bytes of a process and all below it that nobody else has: what a leak would be made of."""
    total, waiting = 0, [pid]
    while waiting:
        one = waiting.pop()
        waiting += children(one)
        total += _anonymous(one)
    return total


def _anonymous(pid: int) -> int:
    try:
        said = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    lines = [line.split() for line in said.splitlines() if line.startswith("RssAnon:")]
    return int(lines[0][1]) * 1024 if lines else 0


def growth_an_hour(samples: list[tuple[float, float]]) -> float:
    """The share by which the last of these (seconds, bytes) are above the first; of less than an hour all of it counts."""
    began, ended = samples[0][0], samples[-1][0]
    span = (ended - began) / SPANS
    first = [value for at, value in samples if at <= began + span]
    last = [value for at, value in samples if at >= ended - span]
    before, after = sum(first) / len(first), sum(last) / len(last)
    return (after / before - 1) / max(1.0, (ended - began - span) / HOUR) if before else 0.0


class Looks:
    """Looks at memory and at what waits every few seconds, in a thread of its own."""

    def __init__(
        self, pids: Callable[[], Mapping[str, int]], waiting: Callable[[], int | None], *, every: float = LOOK_SECONDS
    ) -> None:
        self.memory: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self.waiting: list[int] = []
        self._pids, self._count_waiting, self._every = pids, waiting, every
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="looks", daemon=True)

    def __enter__(self) -> "Looks":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stopped.set()
        self._thread.join()

    def forget_memory(self) -> None:
        """Compare from here on: a house that was just started, or overrun, is not as it stays."""
        self.memory.clear()

    def _run(self) -> None:
        while not self._stopped.wait(self._every):
            now = time.monotonic()
            for part, pid in self._pids().items():
                self.memory[part].append((now, own_memory(pid)))
            if (waiting := self._count_waiting()) is not None:
                self.waiting.append(waiting)

    @property
    def growth(self) -> dict[str, float]:
        """By part, those of some size only; the one that grows most first."""
        found = {
            part: growth_an_hour(samples) for part, samples in list(self.memory.items()) if samples[-1][1] > SMALL_BYTES
        }
        return dict(sorted(found.items(), key=lambda one: -one[1]))

    def _seconds(self, part: str) -> float:
        samples = self.memory[part]
        return samples[-1][0] - samples[0][0]

    def problems(self, *, most_waiting: int) -> list[str]:
        found = [
            f"{part} grows by {growth:.1%} an hour"
            for part, growth in self.growth.items()
            if growth > MOST_GROWTH_AN_HOUR and self._seconds(part) >= SHORTEST_SECONDS
        ]
        if (most := max(self.waiting, default=0)) > most_waiting:
            found.append(f"{most} messages waited at a time, more than {most_waiting}")
        return found
