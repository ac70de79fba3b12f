"""Processes of ours beside a test, on the test's own database and a corner of the broker nobody else uses."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from django.db import connection

ROOT = Path(__file__).resolve().parent.parent.parent
#: Valkey's databases 0 and 1 are the broker's and the cache's.
FIRST_FREE_CORNER = 2


@dataclass(frozen=True)
class Beside:
    """A running process; what it says is in `words`."""

    process: subprocess.Popen
    log: Path

    @property
    def words(self) -> str:
        return self.log.read_text(errors="replace")

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None


@contextmanager
def beside(*arguments: str, **environment: str) -> Iterator[Beside]:
    """`python arguments…` until the block ends, then gone with everything it started."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "said.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env={**os.environ, **surroundings(), **environment},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            yield Beside(process, log)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            sys.stdout.write(log.read_text(errors="replace"))  # pytest shows it when the test fails


def surroundings() -> dict[str, str]:
    return {
        "DATABASE_URL": urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl(),
        "CELERY_BROKER_URL": corner(),
        "PYTHONUNBUFFERED": "1",
    }  # fmt: skip


def corner() -> str:
    """A database of the test run's Valkey of our own: each pytest worker has another."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return os.environ["CELERY_BROKER_URL"].replace("virtual_host=0", f"virtual_host={FIRST_FREE_CORNER + number}")
