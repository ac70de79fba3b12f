"""A whole house of the benchmark's own: started, waited for, stopped."""

import fcntl
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 180
MARK = ".signalbox"  # what the launcher leaves in a folder of its own
#: One key carries the whole load, which the limit a key has in real life would hold back.  It is still counted.
LIMITS_LIFTED = {"SIGNALBOX_API_REQUESTS_PER_SECOND": "1000000", "SIGNALBOX_API_MESSAGES_PER_SECOND": "1000000"}


class WentWrong(Exception):
    """The benchmark cannot go on; the sentence says why."""


class House:
    """A running house: where it lives, its ports, its processes."""

    def __init__(self, var: Path, launcher: subprocess.Popen) -> None:
        self.var = var
        self.launcher = launcher
        self.facts: dict[str, Any] = state_of(var)

    @property
    def web_port(self) -> int:
        return self.facts["ports"]["web"]

    @property
    def control_port(self) -> int:
        return self.facts["ports"]["carrier_control"]

    @property
    def carrier_port(self) -> int:
        return self.facts["ports"]["carrier"]

    @property
    def carrier_log(self) -> Path:
        return self.var / "log" / "carrier-submits.jsonl"

    @property
    def pids(self) -> dict[str, int]:
        """The processes as they are now: one that died was started anew."""
        return {**state_of(self.var)["pids"], "launcher": self.launcher.pid}

    @property
    def worker_environment(self) -> Mapping[str, str]:
        return self.facts["environment"]["worker"]

    @property
    def admin_dsn(self) -> dict[str, str]:
        password = (self.var / "secret" / "postgres-admin").read_text().strip()
        socket = self.facts["database_urls"]["worker"].rpartition("@")[2].partition("/")[0].replace("%2F", "/")
        return {"host": socket, "user": "postgres", "password": password, "dbname": "signalbox"}

    def command(self, *words: str, seconds: float) -> None:
        """Run `manage.py` beside the house.  Raises WentWrong when it says no or takes too long."""
        environment = {**os.environ, **self.worker_environment}
        argv = [sys.executable, "manage.py", *words]
        try:
            subprocess.run(argv, cwd=ROOT, env=environment, check=True, timeout=seconds)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            raise WentWrong(f"manage.py {' '.join(words)}: {error}") from error


@contextmanager
def house(var: Path, *, port: int, fresh: bool = True, settings: Mapping[str, str] = LIMITS_LIFTED) -> Iterator[House]:
    """A house on `var`, ready with all its workers; thrown away first when it is to be `fresh`.  Stopped at the end."""
    refuse_running(var)
    if fresh and (var / MARK).exists():  # never a folder that holds anything else
        shutil.rmtree(var)
    (var / "ports.json").unlink(missing_ok=True)  # another house may have taken the ports since
    for log in (var / "log").glob("*"):
        log.unlink()  # an old "ready" in a worker's log would be believed, an old submit counted
    environment = {**os.environ, **settings, "SIGNALBOX_VAR": str(var)}
    argv = [sys.executable, "-m", "portal.stack", "up", "--port", str(port)]
    launcher = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: launcher.poll() is not None or is_ready(port), READY_SECONDS, "the house is ready")
        if launcher.poll() is not None:
            raise WentWrong(f"the house did not start (see {var / 'log'}): try --port with a free one")
        wait_until(lambda: are_workers_ready(var), READY_SECONDS, "the workers are ready")
        found = House(var, launcher)
        if not fresh:
            found.command("seed_demo", seconds=60)  # its channel follows the carrier to its new port
        yield found
    finally:
        launcher.send_signal(signal.SIGTERM)
        launcher.wait(90)


def refuse_running(var: Path) -> None:
    """Raises WentWrong when a house runs on this folder: it would lose its data under its feet."""
    if not (var / "lock").exists():
        return
    with (var / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WentWrong(f"a house is running on {var} already: another benchmark's, wait for its end") from None


def state_of(var: Path) -> dict[str, Any]:
    return json.loads((var / "run" / "stack.json").read_text())


def is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def are_workers_ready(var: Path) -> bool:
    """Whether each set of workers has said so: their start-up is not the messages' cost."""
    logs = [var / "log" / f"{name}.log" for name in state_of(var)["pids"] if name.startswith("worker-")]
    return len(logs) > 0 and all(log.exists() and " ready." in log.read_text(errors="replace") for log in logs)


def wait_until(true: Callable[[], bool], seconds: float, what: str, *, every: float = 0.2) -> None:
    """Wait for something.  Raises WentWrong with its name when it does not come."""
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            raise WentWrong(f"waited {seconds:.0f} s for this: {what}")
        time.sleep(every)


def enter(house: House) -> None:
    """Become a worker of the house: its settings, its database, Django ready.  Once a process."""
    os.environ.update(house.worker_environment)
    import django

    django.setup()
