"""Three carriers of the test's own: one slow, one flaky, one that throttles.  Killed, they are started again at once.

Each writes every submit to a log of its own before it answers, and keeps what receipts it owes on file.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from portal.stack.ports import any_free
from tests.chaos.house import ROOT

#: Receipts come twice, mixed up and before the answer, everywhere.
MANNERS = {"duplicate": 0.05, "out_of_order": 0.05, "early": 0.05, "receipt_delay": 0.5, "receipt_jitter": 1.0}
RULES = {
    "slow": {**MANNERS, "answer_delay": 0.03, "undelivered": 0.02},
    "flaky": {**MANNERS, "undelivered": 0.03, "refused": 0.02},
    "throttling": {**MANNERS, "throttled": 0.05},
}
LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Submit:
    """One submit as a carrier wrote it down.  `status` is 0 when it was taken, None when it was never answered."""

    number: str
    reference: int | None
    status: int | None

    @property
    def may_arrive(self) -> bool:
        """Taken, or never answered.  The others were a definite no."""
        return not self.status


class Carrier:
    """One carrier process and its files."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.port = name, any_free()
        self.log, self._owed, self._rules = (folder / f"{name}.{end}" for end in ("jsonl", "owed", "rules.json"))
        self._rules.write_text(json.dumps({"default": RULES[name]}))
        self._output = folder / f"{name}.log"
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        arguments = (
            "--port",
            self.port,
            "--log",
            self.log,
            "--durable-log",
            "--owed",
            self._owed,
            "--rules",
            self._rules,
        )
        with self._output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "portal.stack.carrier", *map(str, arguments)],
                cwd=ROOT, env=dict(os.environ), stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip

    def submits(self) -> Iterator[Submit]:
        return submits_in(self.log)


def submits_in(log: Path) -> Iterator[Submit]:
    """Everything a carrier was ever sent.  A line cut short by a kill was never answered, and is left out."""
    for line in log.read_text().splitlines() if log.exists() else ():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        yield Submit(f"+{entry['destination'].lstrip('+')}", entry["user_message_reference"], entry["status"])


class Carriers:
    """All three, kept alive.  What is led around them may reach the house's own carrier, whose log is `beside` theirs."""

    def __init__(self, folder: Path) -> None:
        self.all = [Carrier(name, folder) for name in RULES]
        self.beside: list[Path] = []
        self._stopped = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="carriers", daemon=True)

    @property
    def ports(self) -> dict[str, int]:
        return {carrier.name: carrier.port for carrier in self.all}

    def submits(self) -> Iterator[Submit]:
        for carrier in self.all:
            yield from carrier.submits()
        for log in self.beside:
            yield from submits_in(log)

    def pid(self, name: str) -> int:
        return next(carrier.process.pid for carrier in self.all if carrier.name == name)

    def start(self) -> None:
        for carrier in self.all:
            carrier.start()
        self._keeper.start()

    def stop(self) -> None:
        self._stopped.set()
        self._keeper.join()
        for carrier in self.all:
            carrier.process.kill()
            carrier.process.wait()

    def _keep(self) -> None:
        while not self._stopped.wait(LOOK_SECONDS):
            for carrier in self.all:
                if carrier.process.poll() is not None:
                    carrier.start()


@contextmanager
def running(folder: Path) -> Iterator[Carriers]:
    folder.mkdir(exist_ok=True)
    carriers = Carriers(folder)
    carriers.start()
    try:
        yield carriers
    finally:
        carriers.stop()
