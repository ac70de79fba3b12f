"""The carrier's own record of every submit: the witness for what was really sent."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import UTC, datetime
from json.encoder import encode_basestring as _quoted
from pathlib import Path

from messaging.channels.types.smpp import pdu, text
from messaging.channels.types.smpp.parts import Place, place_of

FLUSH_SECONDS = 0.1
#: Long messages of which parts are missing; beyond it the oldest are forgotten.
MOST_UNFINISHED = 10_000


class Journal:
    """JSON lines, one a submit, on file within 100 ms; before the answer leaves when `durable`.

    `status` is what was answered: 0 accepted, another number refused, null never answered.  A part of a long message
    says its place in `part`; the line of the part that made it whole has all of it in `whole`.
    """

    def __init__(self, path: Path, *, durable: bool = False, is_packed: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8")
        self._durable, self._is_packed = durable, is_packed
        self._lines: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        self._now = ""
        self._unfinished: dict[tuple[str, str, int, int], dict[int, str]] = {}

    def note(self, message: pdu.Message, *, message_id: str, status: int | None) -> None:
        """Write down a submit; those of one read share their time."""
        place = place_of(message) if message.esm_class or message.tlvs else None
        said = self._said(message)
        self._now = self._now or datetime.now(UTC).isoformat(timespec="microseconds")
        digest = hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()
        # By hand, since json takes three times as long; what others wrote is quoted by json itself.
        self._lines.append(
            f'{{"time":"{self._now}","message_id":"{message_id}","status":{_number(status)},'
            f'"source":{_quoted(message.source)},"destination":{_quoted(message.destination)},'
            f'"user_message_reference":{_number(message.user_message_reference)},"sha256":"{digest}",'
            f'"length":{len(said)},"text":{_quoted(said)}{self._joined(message, place, said, status)}}}'
        )

    def _said(self, message: pdu.Message) -> str:
        octets, fill_bits = message.text, 0
        if message.esm_class & pdu.HAS_HEADER:
            octets = text.without_header(octets)
            fill_bits = -(len(message.text) - len(octets)) * 8 % 7
        alphabet = text.alphabet_of(message.data_coding)
        return text.decode(octets, alphabet, is_packed=self._is_packed, fill_bits=fill_bits)

    def _joined(self, message: pdu.Message, place: Place | None, said: str, status: int | None) -> str:
        if place is None:
            return ""
        part = f',"part":{{"reference":{place.reference},"total":{place.total},"number":{place.number}}}'
        if status != pdu.OK:
            return part
        key = (message.source, message.destination, place.reference, place.total)
        pieces = self._unfinished.setdefault(key, {})
        pieces[place.number] = said
        if len(pieces) < place.total:
            if len(self._unfinished) > MOST_UNFINISHED:
                del self._unfinished[next(iter(self._unfinished))]
            return part
        del self._unfinished[key]
        return f'{part},"whole":{_quoted("".join(pieces[number] for number in sorted(pieces)))}'

    def settle(self) -> None:
        """Called once per read of submits, before their answers can leave."""
        self._now = ""
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


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)
