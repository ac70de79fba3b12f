"""The carrier's own record of every submit: the witness for what was really sent."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

from messaging.channels.types.smpp import pdu, text

FLUSH_SECONDS = 0.1
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Journal:
    """JSON lines, one a submit, on file within 100 ms; before the answer leaves when `durable`.

    `status` is what was answered: 0 accepted, another number refused, null never answered.
    """

    def __init__(self, path: Path, *, durable: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8")
        self._durable = durable
        self._lines: list[str] = []
        self._timer: asyncio.TimerHandle | None = None

    def note(self, message: pdu.Message, *, message_id: str, status: int | None) -> None:
        said = text.decode(message.text, message.data_coding)
        self._lines.append(
            _encode({
                "time": datetime.now(UTC).isoformat(timespec="microseconds"),
                "message_id": message_id,
                "status": status,
                "source": message.source,
                "destination": message.destination,
                "user_message_reference": message.user_message_reference,
                "sha256": hashlib.sha256(said.encode("utf-8", "replace")).hexdigest(),
                "length": len(said),
                "text": said,
            })
        )  # fmt: skip

    def settle(self) -> None:
        """Called once per read of submits, before their answers can leave."""
        if self._durable:
            self.flush()
        elif self._lines and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._lines:
            lines, self._lines = self._lines, []
            self._file.write("\n".join(lines) + "\n")
            self._file.flush()

    def close(self) -> None:
        self.flush()
        self._file.close()


def read_journal(path: Path) -> list[dict]:
    """All submits so far.  A last line still being written is left out."""
    if not path.exists():
        return []
    whole, _newline, _unfinished = path.read_text("utf-8").rpartition("\n")
    return [json.loads(line) for line in whole.split("\n") if line]
