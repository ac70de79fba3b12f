"""`kill -9`, by process number, of one part of the house."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.chaos.house import House


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def children(pid: int) -> list[int]:
    with suppress(FileNotFoundError, ProcessLookupError):
        return [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    return []


def kill_part(name: str) -> Callable[[House], None]:
    return lambda house: kill(house.pids[name])


def kill_pool_child(house: House) -> None:
    """The process that holds the bind; its parent lives and makes another."""
    for child in children(house.pids["worker-dispatch"])[:1]:
        kill(child)


#: These forget what was on the wire: its leases run out a minute later.
HOLDS_THE_WIRE: dict[str, Callable[[House], None]] = {
    "pool child": kill_pool_child,
    "dispatch worker": kill_part("worker-dispatch"),
}
ON_THE_WAY = HOLDS_THE_WIRE | {"PostgreSQL": kill_part("postgres")}
BESIDE: dict[str, Callable[[House], None]] = {
    "engine worker": kill_part("worker-engine"),
    "web": kill_part("web"),
    "Valkey": kill_part("valkey"),
}
FAULTS = ON_THE_WAY | BESIDE
