"""Receipts and texts from handsets on their way to the client: kept until it says that it has them."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime

from messaging.channels.types.smpp import pdu, text
from messaging.channels.types.smpp.session import Session
from portal.stack.carrier.agenda import Agenda

RETRY_SECONDS = 0.5
_STATE_NUMBERS = {"ENROUTE": 1, "DELIVRD": 2, "EXPIRED": 3, "UNDELIV": 5, "REJECTD": 8}


class Postbag:
    """Encoded deliver_sms, oldest first, handed to whichever line may be told and has room."""

    def __init__(self, agenda: Agenda, *, limit: int) -> None:
        self._agenda, self._limit = agenda, limit
        self._lines: list[Session] = []
        self._ready: deque[bytes] = deque()
        self._next_line = 0
        self.kept = 0  # from the moment it is promised until it is acknowledged
        self.acknowledged = 0
        self.retried = 0

    @property
    def is_full(self) -> bool:
        return self.kept >= self._limit

    def keep(self, body: bytes, *, seconds: float) -> None:
        self.kept += 1
        self._agenda.after(seconds, self._is_due, body)

    def deliver_now(self, body: bytes) -> None:
        self.kept += 1
        self._is_due(body)

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


def receipt_body(submit: pdu.Message, *, message_id: str, state: str, error_code: str) -> bytes:
    """A receipt as carriers write it, in words and in parameters."""
    now = datetime.now(UTC).strftime("%y%m%d%H%M%S")
    arrived = "001" if state == "DELIVRD" else "000"
    said = text.decode(submit.text[:20], submit.data_coding) if submit.data_coding == text.GSM7 else ""
    words = (
        f"id:{message_id} sub:001 dlvrd:{arrived} submit date:{now} done date:{now} "
        f"stat:{state} err:{error_code} text:{said}"
    )
    tlvs = {pdu.RECEIPTED_MESSAGE_ID: message_id.encode() + b"\0", pdu.MESSAGE_STATE: bytes([_STATE_NUMBERS[state]])}
    if pdu.USER_MESSAGE_REFERENCE in submit.tlvs:
        tlvs[pdu.USER_MESSAGE_REFERENCE] = submit.tlvs[pdu.USER_MESSAGE_REFERENCE]
    return pdu.encode_message(
        pdu.Message(
            source=submit.destination,
            destination=submit.source,
            text=words.encode("latin-1", "replace"),
            source_ton=submit.destination_ton,
            source_npi=submit.destination_npi,
            destination_ton=submit.source_ton,
            destination_npi=submit.source_npi,
            esm_class=0x04,
            tlvs=tlvs,
        )
    )


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
