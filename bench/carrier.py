"""The demo carrier from outside: its moods, its counts, its own log of what it was given."""

import http.client
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

SEED = 7  # the carrier's own default: portal/stack/carrier/options.py


@dataclass(frozen=True)
class Mood:
    """How the carrier treats a run's messages: receipts after so many seconds, this share undelivered."""

    receipt_delay: float = 0.0
    undelivered: float = 0.03

    def rules(self) -> dict[str, Any]:
        return {"default": {"receipt_delay": self.receipt_delay, "receipt_jitter": 0, "undelivered": self.undelivered}}

    def undelivered_of(self, numbers: Iterable[str]) -> int:
        """How many of these the carrier will not deliver: its verdicts can be known beforehand."""
        from portal.stack.carrier.rules import rules_from, verdict

        rules = rules_from(self.rules())
        return sum(verdict(number, rules, SEED).state != "DELIVRD" for number in numbers)


def control(port: int, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


@dataclass(frozen=True)
class Told:
    """What the carrier's log says of a run: submits it accepted, to how many numbers, and to which more than once."""

    submits: int
    numbers: int
    twice: int

    def __str__(self) -> str:
        return f"{self.submits} submits taken, {self.numbers} numbers, {self.twice} more than once"


def told_since(log: Path, offset: int) -> Told:
    """Read the log from `offset` on, which was its size when the run began."""
    with log.open("rb") as file:
        file.seek(offset)
        return told_by(file)


def told_by(lines: Iterable[bytes]) -> Told:
    taken: Counter[str] = Counter()
    for line in lines:
        entry = json.loads(line)
        if entry["status"] == 0:
            taken[entry["destination"]] += 1
    return Told(taken.total(), len(taken), sum(1 for count in taken.values() if count > 1))


def last_time(log: Path) -> float:
    """When the last submit was written down, in Unix seconds."""
    with log.open("rb") as file:
        *_, line = file
    return datetime.fromisoformat(json.loads(line)["time"]).timestamp()
