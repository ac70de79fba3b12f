"""A house of our own: started on free ports and an empty folder, watched through its state file, stopped at the end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from portal.stack.health import is_healthy
from portal.stack.layout import MARK
from portal.stack.ports import any_free

ROOT = Path(__file__).resolve().parent.parent.parent
#: What would tell the house to use the servers of the test run around it.
OTHERS = ("SIGNALBOX_", "DATABASE_", "CELERY_", "CACHE_", "STRIPE_", "DJANGO_", "DEMO_CARRIER_", "PORT")
READY_SECONDS, STOP_SECONDS = 300, 120  # seconds on a machine of its own, minutes on one that tests on all cores


class TooLate(AssertionError):
    """Something did not happen in time."""


def wait_until(is_true: Callable[[], bool], *, seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > until:
            raise TooLate(f"waited {seconds:.0f} s for this: {what}")
        time.sleep(0.2)


@dataclass(frozen=True)
class House:
    """A running house."""

    var: Path
    port: int

    @property
    def state(self) -> dict[str, Any]:
        """What `var/run/stack.json` says now: process numbers change when parts are restarted."""
        return json.loads((self.var / "run" / "stack.json").read_text())

    @property
    def pids(self) -> dict[str, int]:
        return self.state["pids"]

    @property
    def carrier_log(self) -> Path:
        return self.var / "log" / "carrier-submits.jsonl"

    def is_well(self) -> bool:
        return is_healthy(self.port)

    def workers_answer(self) -> bool:
        """Whether a worker holds a bind: the last thing to come up."""
        return bool(self.rows("SELECT 1 FROM channels_bind WHERE state = 'bound' LIMIT 1"))

    def rows(self, statement: str, parameters: Any = ()) -> list[tuple]:
        """Ask the database as a worker would.  Nothing while it is down."""
        try:
            return self.witnessed(statement, parameters)
        except psycopg.OperationalError:
            return []

    def witnessed(self, statement: str, parameters: Any = ()) -> list[tuple]:
        """Ask the database, which must answer: what a verdict rests on.  Raises psycopg.Error."""
        url = self.state["database_urls"]["worker"]
        with psycopg.connect(url, connect_timeout=3, autocommit=True) as connection:
            connection.execute("SET ROLE signalbox_engine")
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python with these arguments beside the house, as one of its workers."""
        environment = {**clean_environment(), **self.state["environment"]["worker"]}
        return subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )


@contextmanager
def started(var: Path, **settings: str) -> Iterator[House]:
    """A house in an empty folder, with its workers up."""
    house = House(var, any_free())
    keep_off_usual_ports(var)
    argv = [sys.executable, "-m", "portal.stack", "up", "--port", str(house.port)]
    environment = {**clean_environment(), "SIGNALBOX_VAR": str(var), "PYTHONPATH": str(ROOT), **settings}
    output = (var.parent / f"{var.name}.log").open("wb")
    launcher = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True)
    try:
        wait_until(
            lambda: launcher.poll() is not None or house.is_well(), seconds=READY_SECONDS, what="the house is up"
        )
        assert launcher.poll() is None, Path(output.name).read_text()[-1500:]
        wait_until(house.workers_answer, seconds=READY_SECONDS, what="a worker holds its bind")
        yield house
    finally:
        launcher.send_signal(signal.SIGTERM)
        try:
            launcher.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            launcher.kill()
        output.close()


def keep_off_usual_ports(var: Path) -> None:
    """Leave those to a house somebody uses: theirs are written down, and one that is taken keeps it from starting."""
    var.mkdir(mode=0o711)
    (var / MARK).touch()
    (var / "ports.json").write_text(json.dumps({name: any_free() for name in ("carrier", "carrier_control", "stripe")}))


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(OTHERS)}
