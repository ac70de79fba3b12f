"""npm's `smpp` as a peer: installed once from the lock file beside this one, run in a process of its own."""

import fcntl
import hashlib
import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent.parent / "var" / "cache"
SECONDS = 10


def installed() -> Path:
    """The folder of modules, made with `npm ci` when this lock file has not been installed yet."""
    lock = (HERE / "package-lock.json").read_bytes()
    folder = CACHE / f"npm-smpp-{hashlib.sha256(lock).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # tests run in several processes
        if not (folder / "complete").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, folder)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
            (folder / "complete").touch()
    return folder / "node_modules"


class Peer:
    """What it said, line by line, and a way to tell it something."""

    def __init__(self, process: subprocess.Popen) -> None:
        self._process = process
        self._said: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._process.stdout:
            self._said.put(json.loads(line))

    def next(self) -> dict[str, Any]:
        return self._said.get(timeout=SECONDS)

    def take(self, count: int) -> list[dict[str, Any]]:
        return [self.next() for _ in range(count)]

    def tell(self, line: dict[str, Any]) -> None:
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()

    def finish(self) -> None:
        """Say that nothing more comes: a client says goodbye then."""
        self._process.stdin.close()


@contextmanager
def node_peer(*arguments: str) -> Iterator[Peer]:
    """The peer of `peer.js`, until the test is done with it."""
    process = subprocess.Popen(
        [shutil.which("node") or "node", str(HERE / "peer.js"), *arguments],
        env={**os.environ, "NODE_PATH": str(installed())},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield Peer(process)
    finally:
        process.kill()
        process.wait(SECONDS)
