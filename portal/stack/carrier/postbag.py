"""Receipts and texts from handsets on their way to the client: kept until it says that it has them."""

from __future__ import annotations

import time
from collections import deque
from datetime import UTC, datetime
from functools import lru_cache

from messaging.channels.types.smpp import pdu, text
from messaging.channels.types.smpp.session import Session
from portal.stack.carrier.agenda import Agenda
from portal.stack.carrier.owed import Owed

RETRY_SECONDS = 0.5
_NAME = pdu.RECEIPTED_MESSAGE_ID.to_bytes(2, "big") + b"\0"
_OURS = pdu.USER_MESSAGE_REFERENCE.to_bytes(2, "big") + b"\0\2"
_STATE = pdu.MESSAGE_STATE.to_bytes(2, "big") + b"\0\1"
STATE_NUMBERS = {"ENROUTE": 1, "DELIVRD": 2, "EXPIRED": 3, "UNDELIV": 5, "REJECTD": 8}


class Postbag:
    """Encoded deliver_sms, oldest first, handed to whichever line may be told and has room."""

    def __init__(self, agenda: Agenda, *, limit: int, owed: Owed | None = None) -> None:
        self._agenda, self._limit, self._owed = agenda, limit, owed
        self._lines: list[Session] = []
        self._ready: deque[bytes] = deque()
        self._next_line = 0
        self.kept = 0  # from the moment it is promised until it is acknowledged
        self.acknowledged = 0
        self.retried = 0
        for body in owed.left if owed else ():
            self.kept += 1
            self._is_due(body)

    @property
    def is_full(self) -> bool:
        return self.kept >= self._limit

    def keep(self, body: bytes, *, seconds: float) -> None:
        """To be handed over after so many seconds: at once means right behind the submit's answer."""
        if seconds <= 0:
            self.deliver_now(body)
            return
        self._promise(body)
        self._agenda.after(seconds, self._is_due, body)

    def deliver_now(self, body: bytes) -> None:
        self._promise(body)
        self._is_due(body)

    def _promise(self, body: bytes) -> None:
        self.kept += 1
        if self._owed:
            self._owed.note_promised(body)

    def add_line(self, line: Session) -> None:
        self._lines.append(line)
        self.push()

    def remove_line(self, line: Session) -> None:
        if line in self._lines:
            self._lines.remove(line)

    def push(self) -> None:
        while self._ready and (line := self._line_with_room()):
            body = self._ready.popleft()
            line.request(pdu.DELIVER_SM, body, body)

    def answered(self, answers: list[tuple[bytes, int, bytes]]) -> None:
        for body, status, _answer in answers:
            if status:
                self.retried += 1
                self._agenda.after(RETRY_SECONDS, self._is_due, body)
            else:
                self.kept -= 1
                self.acknowledged += 1
                if self._owed:
                    self._owed.note_sent(body)
        self.push()

    def come_back(self, bodies: list[bytes]) -> None:
        """They left and were not acknowledged: first in line for the next bind."""
        self.retried += len(bodies)
        self._ready.extendleft(reversed(bodies))
        self.push()

    def _is_due(self, body: bytes) -> None:
        self._ready.append(body)
        self.push()

    def _line_with_room(self) -> Session | None:
        for _ in self._lines:
            self._next_line = (self._next_line + 1) % len(self._lines)
            line = self._lines[self._next_line]
            if line.room > 0:
                return line
        return None


def receipt_body(submit: pdu.Message, *, message_id: str, state: str, error_code: str, form: str = "both") -> bytes:
    """A receipt as carriers write it, in words and in parameters; `form` leaves one of them out."""
    now = _stamp(int(time.time()))
    arrived = "001" if state == "DELIVRD" else "000"
    is_plain = submit.data_coding == text.GSM7 and not submit.esm_class & pdu.HAS_HEADER
    said = text.decode(submit.text[:20], text.GSM7) if is_plain else ""
    words = (
        (
            f"id:{message_id} sub:001 dlvrd:{arrived} submit date:{now} done date:{now} "
            f"stat:{state} err:{error_code} text:{said}"
        ).encode("latin-1", "replace")
        if form != "parameters"
        else b""
    )
    parameters = b"" if form == "text" else _parameters(submit, message_id.encode(), STATE_NUMBERS[state])
    return b"".join((
        bytes((0, submit.destination_ton, submit.destination_npi)), submit.destination.encode("latin-1"),
        bytes((0, submit.source_ton, submit.source_npi)), submit.source.encode("latin-1"),
        b"\0\x04\0\0\0\0\0\0\0\0", bytes((len(words),)), words, parameters,
    ))  # fmt: skip


def _parameters(submit: pdu.Message, name: bytes, state: int) -> bytes:
    ours = submit.tlvs.get(pdu.USER_MESSAGE_REFERENCE, b"")
    own = _OURS + ours if len(ours) == 2 else b""
    return b"".join((_NAME, bytes((len(name) + 1,)), name, b"\0", _STATE, bytes((state,)), own))


@lru_cache(8)
def _stamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%y%m%d%H%M%S")


def inbound_body(*, sender: str, recipient: str, said: str) -> bytes:
    """A text from a handset."""
    try:
        data_coding, octets = text.encode(said, "gsm7")
    except text.Unencodable:
        data_coding, octets = text.encode(said, "ucs2")
    return pdu.encode_message(
        pdu.Message(
            source=sender.removeprefix("+"),
            destination=recipient.removeprefix("+"),
            text=octets,
            data_coding=data_coding,
            source_ton=1,
            source_npi=1,
        )
    )
