"""One process of the house: how to start it, whether it lives, how to end it."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from portal.stack.errors import StackError
from portal.stack.identity import Identity

PR_SET_PDEATHSIG = 1
LOG_LIMIT_BYTES = 20 * 1024 * 1024


class Stage(IntEnum):
    """When a part stops: the highest stage first, and each stage only after the one before it has ended."""

    STORES = 0
    OUTSIDE = 1
    WORKERS = 2
    DOORS = 3


@dataclass(frozen=True)
class Spec:
    """What a process is: its command, its environment, its user, and how it is asked to stop."""

    name: str
    argv: tuple[str | Path, ...]
    environment: Mapping[str, str]
    folder: Path
    stage: Stage = Stage.DOORS
    identity: Identity = field(default_factory=Identity)
    stop_signal: signal.Signals = signal.SIGTERM
    force_signal: signal.Signals = signal.SIGKILL
    grace_seconds: float = 15


class Part:
    """A started Spec.  Its output goes to `<log>/<name>.log`.

    If the launcher is killed outright, the kernel sends the process its stop signal, so no part outlives the house.
    """

    def __init__(self, spec: Spec, log_folder: Path) -> None:
        self.spec = spec
        self.log = log_folder / f"{spec.name}.log"
        self.process: subprocess.Popen | None = None
        self.started_at = 0.0
        self._swept = False

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def start(self) -> None:
        rotate(self.log)
        try:
            with self.log.open("ab") as output:
                self.process = subprocess.Popen(
                    [os.fspath(word) for word in self.spec.argv],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=self.spec.folder,
                    env=dict(self.spec.environment),
                    start_new_session=True,
                    preexec_fn=dying_with_parent(self.spec.stop_signal),
                    **self.spec.identity.popen_options(),
                )
        except (OSError, subprocess.SubprocessError) as error:
            raise StackError(f"{self.name} could not be started: {error}.") from error
        self.started_at = time.monotonic()
        self._swept = False

    def exit_code(self) -> int | None:
        """None while it lives.  Once it is dead, what it left behind of its own children is dead too."""
        if not self.process:
            return None
        code = self.process.poll()
        if code is not None and not self._swept:
            self._swept = True
            self._signal_group(signal.SIGKILL)
        return code

    def ask_to_stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(self.spec.stop_signal)

    def force(self) -> None:
        """End it now.  PostgreSQL is told to drop everything, which its next start repairs; others are killed."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(self.spec.force_signal)

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            self._signal_group(signal.SIGKILL)
            self.process.wait()

    def _signal_group(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.process.pid, number)
        except (ProcessLookupError, PermissionError):
            return  # the whole group is gone already

    def last_words(self) -> str:
        """The last line of its log, for the sentence that says why it ended."""
        try:
            lines = self.log.read_bytes()[-4000:].decode(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1].strip() if lines else ""


def dying_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """What a child does before it becomes its program: ask the kernel to be told when the launcher dies (Linux)."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, int(number))


def rotate(log: Path) -> None:
    """Put a log that has grown large aside, keeping one former one."""
    try:
        if log.stat().st_size > LOG_LIMIT_BYTES:
            log.replace(log.with_suffix(".log.1"))
    except FileNotFoundError:
        return


def started_ticks(pid: int) -> int | None:
    """When the process with this number began, in the kernel's ticks: number and beginning together name one process.

    None when there is no such process.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])
