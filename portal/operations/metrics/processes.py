"""How much memory the house's processes take.

`bin/up` writes down what it started; under systemd or in containers each process is watched by the machine's own exporter,
and here is only this one.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from .names import Figure

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def read() -> list[Figure]:
    return [Figure("resident", {"process": name}, resident_bytes(pid)) for name, pid in started().items()]


def started() -> dict[str, int]:
    """Process numbers by name."""
    try:
        return json.loads((settings.VAR_DIR / "run" / "stack.json").read_text())["pids"]
    except (OSError, ValueError, KeyError):
        return {"web": os.getpid()}


def resident_bytes(pid: int) -> int:
    """Of a process and all its children; none when it is gone or somebody else's."""
    return sum(resident_of(one) for one in family_of(pid))


def family_of(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = [tid.read_text() for tid in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return
    for child in " ".join(children).split():
        yield from family_of(int(child))


def resident_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    except (OSError, IndexError):
        return 0
