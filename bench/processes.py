"""What processes use: CPU and memory of each part of a house, and what everybody else took meanwhile."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

TICKS = os.sysconf("SC_CLK_TCK")
FOREIGN_CORES_ALLOWED = 0.2
#: Neither is ours to make cheaper: the peers' figures are of the peer's own processes too.
NOT_OURS = {"carrier", "stripe-sandbox", "sink", "load", "idle"}

#: The part of the memory that is PostgreSQL's buffers and locks, shared by all of its processes.
SHARED = "shared buffers"


@dataclass(frozen=True)
class Usage:
    """CPU seconds of each part over a stretch of time, and of all that is none of them."""

    seconds: float
    by_part: Mapping[str, float]
    foreign_cores: float

    @property
    def is_fit(self) -> bool:
        """Whether the machine was ours while this was measured."""
        return self.foreign_cores <= FOREIGN_CORES_ALLOWED

    def per_message(self, count: int) -> dict[str, float]:
        """Microseconds of CPU a message, by part, dearest first; `ours` and `all` are sums."""
        micros = {name: used / count * 1e6 for name, used in Counter(self.by_part).most_common()}
        ours = sum(cost for name, cost in micros.items() if name not in NOT_OURS)
        return {**micros, "ours": ours, "all": sum(micros.values())}


class Meter:
    """Measures from its making until `read`.  Parts are named process trees; what this process and its children use is
    `load`, what a contestant uses that stands by while another has its turn is `idle`."""

    def __init__(self, pids: Callable[[], Mapping[str, int]], idle: Callable[[], Mapping[str, int]] = dict) -> None:
        self._pids, self._idle = pids, idle
        self._began = time.monotonic()
        self._parts, self._machine, self._own = self._now()

    def read(self) -> Usage:
        parts, machine, own = self._now()
        seconds = time.monotonic() - self._began
        by_part = {name: used - self._parts.get(name, 0.0) for name, used in parts.items()}
        by_part["load"] = own - self._own
        foreign = (machine - self._machine - sum(by_part.values())) / seconds
        return Usage(seconds, by_part, max(0.0, foreign))

    def _now(self) -> tuple[dict[str, float], float, float]:
        parts = {
            name: seconds_of(pid) if name == "launcher" else over_tree(pid, seconds_of)
            for name, pid in self._pids().items()
        }
        parts["idle"] = sum(over_tree(pid, seconds_of) for pid in self._idle().values())
        used = os.times()
        return parts, machine_seconds(), used.user + used.system + used.children_user + used.children_system


@dataclass
class Memory:
    """Samples the proportional memory (PSS) of each part every other second, from a thread, until it is left.

    Each sample has its time, in Unix seconds.
    """

    pids: Callable[[], Mapping[str, int]]
    every: float = 2.0
    samples: list[tuple[float, dict[str, float]]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while True:
            self.samples.append((time.time(), memory_of(self.pids())))
            if self._stop.wait(self.every):
                return

    @property
    def peak(self) -> float:
        return max(sum(sample.values()) for _at, sample in self.samples)

    @property
    def before(self) -> dict[str, float]:
        """MiB of each part at the very beginning."""
        return self.samples[0][1]

    def thirds(self, *, since: float = 0.0) -> dict[str, tuple[float, float]]:
        """Mean MiB of each part over the first third of the samples and over the last: flat when they are alike.

        What came earlier than `since` counts nothing: while a file is read, those that send have not begun.
        """
        samples = [sample for at, sample in self.samples if at >= since] or [self.samples[-1][1]]
        third = max(1, len(samples) // 3)
        first, last = mean_of(samples[:third]), mean_of(samples[-third:])
        return {name: (first.get(name, 0.0), last[name]) for name in last}


def mean_of(samples: list[dict[str, float]]) -> dict[str, float]:
    total: Counter[str] = Counter()
    for sample in samples:
        total.update(sample)
    return {name: value / len(samples) for name, value in total.items()}


def memory_of(pids: Mapping[str, int]) -> dict[str, float]:
    """MiB of each part.  PostgreSQL's shared memory is a part of its own: it is counted page by page as each is first
    used, until all that was set aside at the start is, whatever the load.
    """
    parts = {name: over_tree(pid, pss_kib) / 1024 for name, pid in pids.items() if name != "launcher"}
    if server := pids.get("postgres"):
        parts[SHARED] = over_tree(server, shared_kib) / 1024
        parts["postgres"] -= parts[SHARED]
    return parts


def over_tree(pid: int, figure: Callable[[int], float]) -> float:
    """The sum over a process and its living children; what has ended meanwhile counts nothing."""
    try:
        children = [
            int(child)
            for task in os.listdir(f"/proc/{pid}/task")
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split()
        ]
        return figure(pid) + sum(over_tree(child, figure) for child in children)
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


def seconds_of(pid: int) -> float:
    """CPU of a process and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(fields[place]) for place in (11, 12, 13, 14)) / TICKS


def pss_kib(pid: int) -> float:
    return _in_rollup(pid, "Pss:")


def shared_kib(pid: int) -> float:
    return _in_rollup(pid, "Pss_Shmem:")


def _in_rollup(pid: int, what: str) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith(what)), 0)


def machine_seconds() -> float:
    """CPU the whole machine has spent, idle and waiting apart."""
    return spent_in(Path("/proc/stat").read_text())


def spent_in(stat: str) -> float:
    user, nice, system, _idle, _wait, irq, softirq, *_ = map(int, stat.split("\n")[0].split()[1:])
    return (user + nice + system + irq + softirq) / TICKS
