"""`var/run/stack.json`: how other commands find the running house, and how the next start finds what it left."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from portal.stack.keyring import write_private
from portal.stack.processes import Part, started_ticks


class StateFile:
    """Process numbers, ports and addresses of the running house, readable by its owner alone.

    `facts` is what does not change while it runs; `write` adds the processes as they are now.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.facts: dict[str, Any] = {}

    def write(self, parts: Iterable[Part]) -> None:
        pids = {part.name: part.pid for part in parts if part.pid}
        state = {
            "launcher": os.getpid(),
            **self.facts,
            "pids": pids,
            "started": {name: started_ticks(pid) for name, pid in pids.items()},
        }
        write_private(self.path, json.dumps(state, indent=1))

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)

    def survivors(self) -> dict[str, int]:
        """Processes a former launcher started that still live, by name; a number taken over by another is not one."""
        state = self._read()
        started = state.get("started", {})
        return {
            name: pid
            for name, pid in state.get("pids", {}).items()
            if started.get(name) is not None and started_ticks(pid) == started[name]
        }

    def _read(self) -> Mapping[str, Any]:
        try:
            return json.loads(self.path.read_text())
        except (OSError, ValueError):
            return {}
