"""What strikes: `kill -9` by process number, `SIGSTOP` past a lease, and a Valkey that forgets everything."""

import os
import random
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import redis

from tests.chaos.carriers import Carriers
from tests.chaos.house import House

#: Longer than a lease, so that whoever wakes finds that it was given up.
FROZEN_SECONDS = 75
FROZEN_BESIDE_SECONDS = 20
#: Valkey neither answers nor hangs up: the worst way for it to be away.
FROZEN_VALKEY_SECONDS = 15


@dataclass(frozen=True)
class Scene:
    """Everything that can be struck."""

    house: House
    carriers: Carriers


Strike = Callable[[Scene], float]


def send_signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def children(pid: int) -> list[int]:
    with suppress(FileNotFoundError, ProcessLookupError):
        return [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    return []


def kill_part(name: str) -> Strike:
    def strike(scene: Scene) -> float:
        send_signal(scene.house.pids[name], signal.SIGKILL)
        return 0

    return strike


def kill_child(name: str) -> Strike:
    """A process of the pool: its parent lives and makes another."""

    def strike(scene: Scene) -> float:
        for child in children(scene.house.pids[name])[:1]:
            send_signal(child, signal.SIGKILL)
        return 0

    return strike


def kill_carrier(name: str) -> Strike:
    def strike(scene: Scene) -> float:
        send_signal(scene.carriers.pid(name), signal.SIGKILL)
        return 0

    return strike


def freeze_child(name: str, seconds: float) -> Strike:
    """Stop a process of the pool and let it go on later, as if nothing had happened; how long that is."""

    def strike(scene: Scene) -> float:
        for child in children(scene.house.pids[name])[:1]:
            send_signal(child, signal.SIGSTOP)
            threading.Timer(seconds, send_signal, (child, signal.SIGCONT)).start()
        return seconds

    return strike


def freeze_part(name: str, seconds: float) -> Strike:
    def strike(scene: Scene) -> float:
        pid = scene.house.pids[name]
        send_signal(pid, signal.SIGSTOP)
        threading.Timer(seconds, send_signal, (pid, signal.SIGCONT)).start()
        return seconds

    return strike


def wipe_valkey(scene: Scene) -> float:
    with redis.Redis.from_url(scene.house.state["environment"]["worker"]["CACHE_URL"]) as client:
        client.flushall()
    return 0


#: A name for everything that can happen.  Each gives the seconds until it is over.
FAULTS: dict[str, Strike] = {
    "dispatch process": kill_child("worker-dispatch"),
    "dispatch worker": kill_part("worker-dispatch"),
    "engine worker": kill_part("worker-engine"),
    "campaigns worker": kill_part("worker-campaigns"),
    "hooks worker": kill_part("worker-hooks"),
    "default worker": kill_part("worker-default"),
    "beat": kill_part("beat"),
    "web": kill_part("web"),
    "Valkey": kill_part("valkey"),
    "Valkey wiped": wipe_valkey,
    "Valkey frozen": freeze_part("valkey", FROZEN_VALKEY_SECONDS),
    "PostgreSQL": kill_part("postgres"),
    "slow carrier": kill_carrier("slow"),
    "flaky carrier": kill_carrier("flaky"),
    "throttling carrier": kill_carrier("throttling"),
    "dispatch frozen": freeze_child("worker-dispatch", FROZEN_SECONDS),
    "engine frozen": freeze_child("worker-engine", FROZEN_BESIDE_SECONDS),
}

#: One round.  The long form adds what takes long.
EACH_ROUND = (
    "dispatch process", "dispatch worker", "engine worker", "campaigns worker", "web", "web", "Valkey", "PostgreSQL",
    "slow carrier", "hooks worker",
)  # fmt: skip
ONCE = (
    "Valkey wiped", "Valkey frozen", "dispatch frozen", "engine frozen", "beat", "default worker", "flaky carrier", "Valkey",
    "PostgreSQL",
)  # fmt: skip
SHORT = (
    "dispatch process",
    "engine worker",
    "web",
    "Valkey",
    "PostgreSQL",
    "slow carrier",
    "Valkey wiped",
    "campaigns worker",
)


@dataclass(frozen=True)
class Fault:
    """`name` strikes when that part of all messages is final, and so many seconds later."""

    name: str
    at: float
    pause: float

    def __str__(self) -> str:
        return f"{self.name} at {self.at:.0%}"


def drawn(chance: random.Random, names: tuple[str, ...]) -> tuple[Fault, ...]:
    """The faults in an order and at moments of chance: the first in the first seconds, the last in the last."""
    order = chance.sample(names, len(names))
    between = sorted(chance.uniform(0.02, 0.95) for _ in order[2:])
    moments = [0.0, *between, 0.985]
    return tuple(Fault(name, at, chance.uniform(0, 1.5)) for name, at in zip(order, moments, strict=True))
