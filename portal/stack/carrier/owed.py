"""What a carrier owes its client, on file: killed and started again, it still sends every receipt it had promised."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections import Counter
from pathlib import Path

_PROMISED, _SENT = b"+", b"-"


class Owed:
    """Bodies promised and not yet acknowledged, one line each time either happens.

    A line is with the operating system before `note` returns, so it outlives the process.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.left = _read(path)
        path.write_bytes(b"".join(_line(_PROMISED, body) for body in self.left))
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def note_promised(self, body: bytes) -> None:
        os.write(self._file, _line(_PROMISED, body))

    def note_sent(self, body: bytes) -> None:
        os.write(self._file, _line(_SENT, body))


def _line(kind: bytes, body: bytes) -> bytes:
    return kind + b64encode(body) + b"\n"


def _read(path: Path) -> list[bytes]:
    """What is left.  A last line that was being written when the process died is left out: nobody was told of it."""
    if not path.exists():
        return []
    whole, _newline, _unfinished = path.read_bytes().rpartition(b"\n")
    left: Counter[bytes] = Counter()
    for line in whole.split(b"\n"):
        left[b64decode(line[1:])] += 1 if line[:1] == _PROMISED else -1
    return list((+left).elements())
