"""SMPP 3.4 as bytes.  Whatever the bytes, decoding returns a value or raises ProtocolError."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

HEADER = struct.Struct(">IIII")  # length, command, status, sequence
_TLV = struct.Struct(">HH")
LONGEST = 70_000  # a message_payload of 65,535 octets and room for the rest
LONGEST_SHORT_MESSAGE = 254

ANSWER = 0x8000_0000
GENERIC_NACK = 0x8000_0000
BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER = 0x01, 0x02, 0x09
QUERY_SM, SUBMIT_SM, DELIVER_SM, UNBIND, ENQUIRE_LINK = 0x03, 0x04, 0x05, 0x06, 0x15
BINDS = frozenset({BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER})

OK, INVALID_LENGTH, INVALID_COMMAND, NOT_BOUND, ALREADY_BOUND = 0x00, 0x02, 0x03, 0x04, 0x05
SYSTEM_ERROR, INVALID_DESTINATION, BIND_FAILED, INVALID_PASSWORD, INVALID_SYSTEM_ID = 0x08, 0x0B, 0x0D, 0x0E, 0x0F
QUEUE_FULL, THROTTLED, QUERY_FAILED = 0x14, 0x58, 0x67

STATUS_NAMES = {
    INVALID_LENGTH: "invalid length", INVALID_COMMAND: "invalid command", NOT_BOUND: "not bound",
    ALREADY_BOUND: "already bound", SYSTEM_ERROR: "system error", INVALID_DESTINATION: "invalid destination",
    BIND_FAILED: "bind failed", INVALID_PASSWORD: "invalid password", INVALID_SYSTEM_ID: "invalid system id",
    QUEUE_FULL: "queue full", THROTTLED: "throttled", QUERY_FAILED: "query failed",
}  # fmt: skip

USER_MESSAGE_REFERENCE, RECEIPTED_MESSAGE_ID = 0x0204, 0x001E
SAR_REFERENCE, SAR_TOTAL, SAR_NUMBER = 0x020C, 0x020E, 0x020F
MESSAGE_PAYLOAD, MESSAGE_STATE, NETWORK_ERROR_CODE = 0x0424, 0x0427, 0x0423

RECEIPT_CLASSES = frozenset({0x04, 0x20})  # esm_class: delivery receipt, intermediate notification
HAS_HEADER = 0x40  # esm_class: the text begins with a user data header

NO_TLVS: Mapping[int, bytes] = MappingProxyType({})


class ProtocolError(Exception):
    """The peer broke the protocol; `status` is what to answer it."""

    def __init__(self, why: str, status: int = INVALID_LENGTH) -> None:
        self.status = status
        super().__init__(why)


class Message(NamedTuple):
    """The body that submit_sm and deliver_sm share.  `text` is the payload wherever it travelled."""

    source: str = ""
    destination: str = ""
    text: bytes = b""
    data_coding: int = 0
    source_ton: int = 0
    source_npi: int = 0
    destination_ton: int = 1
    destination_npi: int = 1
    esm_class: int = 0
    registered_delivery: int = 0
    validity: str = ""
    tlvs: Mapping[int, bytes] = NO_TLVS
    service_type: str = ""
    protocol_id: int = 0
    priority: int = 0
    schedule: str = ""

    @property
    def is_receipt(self) -> bool:
        return self.esm_class & 0x3C in RECEIPT_CLASSES

    @property
    def user_message_reference(self) -> int | None:
        value = self.tlvs.get(USER_MESSAGE_REFERENCE, b"")
        return int.from_bytes(value, "big") if 1 <= len(value) <= 2 else None


class Bind(NamedTuple):
    """Who asks to come in."""

    system_id: str
    password: str
    system_type: str = ""


class Query(NamedTuple):
    """Which message is asked about: its name, and the source it was sent from."""

    message_id: str
    source: str = ""
    source_ton: int = 0
    source_npi: int = 0


class QueryAnswer(NamedTuple):
    """What became of it; `final_date` is empty while it is on its way."""

    message_id: str
    final_date: str
    message_state: int
    error_code: int


def frame(command: int, status: int, sequence: int, body: bytes = b"") -> bytes:
    return HEADER.pack(16 + len(body), command, status, sequence) + body


def _cstring(body: bytes, start: int, limit: int) -> tuple[str, int]:
    end = body.find(b"\0", start, start + limit)
    if end < 0:
        raise ProtocolError("a string has no end")
    return body[start:end].decode("latin-1"), end + 1


def terminated(text: str) -> bytes:
    encoded = text.encode("latin-1") + b"\0"
    if encoded.index(0) != len(encoded) - 1:
        raise ValueError("a string holds a NUL")
    return encoded


def encode_tlvs(tlvs: Mapping[int, bytes]) -> bytes:
    return b"".join(_TLV.pack(tag, len(value)) + value for tag, value in tlvs.items())


def decode_tlvs(body: bytes, start: int) -> Mapping[int, bytes]:
    if start == len(body):
        return NO_TLVS
    found, end = {}, len(body)
    while start < end:
        if end - start < 4:
            raise ProtocolError("an optional parameter is cut off")
        tag, length = _TLV.unpack_from(body, start)
        start += 4
        if end - start < length:
            raise ProtocolError("an optional parameter is cut off")
        found[tag] = body[start : start + length]
        start += length
    return found


def encode_message(message: Message, *, as_payload: bool = False) -> bytes:
    """Encode the body; a text that is long, or `as_payload`, travels as message_payload."""
    text, tlvs = message.text, message.tlvs
    if len(text) > 0xFFFF:
        raise ValueError("a text of more than 65535 octets")
    if as_payload or len(text) > LONGEST_SHORT_MESSAGE:
        text, tlvs = b"", {**tlvs, MESSAGE_PAYLOAD: message.text}
    return b"".join((
        terminated(message.service_type),
        bytes((message.source_ton, message.source_npi)),
        terminated(message.source),
        bytes((message.destination_ton, message.destination_npi)),
        terminated(message.destination),
        bytes((message.esm_class, message.protocol_id, message.priority)),
        terminated(message.schedule),
        terminated(message.validity),
        bytes((message.registered_delivery, 0, message.data_coding, 0, len(text))),
        text,
        encode_tlvs(tlvs),
    ))  # fmt: skip


# The mandatory part in one expression, since a deliver_sm is read a thousand times a second.  Limits are the protocol's.
_MANDATORY = re.compile(
    rb"([^\0]{0,15})\0(..)([^\0]{0,64})\0(..)([^\0]{0,64})\0(...)([^\0]{0,16})\0([^\0]{0,16})\0(.....)", re.DOTALL
)


def decode_message(body: bytes) -> Message:
    found = _MANDATORY.match(body)
    if found is None:
        raise ProtocolError("the message is cut off")
    service_type, of_source, source, of_destination, destination, manner, schedule, validity, rest = found.groups()
    at = found.end()
    end = at + rest[4]
    if end > len(body):
        raise ProtocolError("sm_length points past the end")
    text, tlvs = body[at:end], decode_tlvs(body, end)
    if tlvs:
        text = tlvs.get(MESSAGE_PAYLOAD, text)
    return Message(
        source.decode("latin-1"), destination.decode("latin-1"), text, rest[2], of_source[0], of_source[1],
        of_destination[0], of_destination[1], manner[0], rest[0], validity.decode("latin-1"), tlvs,
        service_type.decode("latin-1"), manner[1], manner[2], schedule.decode("latin-1"),
    )  # fmt: skip


def encode_bind(bind: Bind) -> bytes:
    who = terminated(bind.system_id) + terminated(bind.password) + terminated(bind.system_type)
    return who + b"\x34\0\0\0"  # interface version 3.4, any address


def decode_bind(body: bytes) -> Bind:
    # Limits are those of the protocol: a longer password is a refusal, not a truncation.
    system_id, at = _cstring(body, 0, 16)
    password, at = _cstring(body, at, 9)
    system_type, at = _cstring(body, at, 13)
    return Bind(system_id, password, system_type)


def encode_query(query: Query) -> bytes:
    return terminated(query.message_id) + bytes((query.source_ton, query.source_npi)) + terminated(query.source)


def decode_query(body: bytes) -> Query:
    message_id, at = _cstring(body, 0, 65)
    if len(body) < at + 2:
        raise ProtocolError("the query is cut off")
    source, _end = _cstring(body, at + 2, 21)
    return Query(message_id, source, body[at], body[at + 1])


def encode_query_answer(answer: QueryAnswer) -> bytes:
    return (
        terminated(answer.message_id) + terminated(answer.final_date) + bytes((answer.message_state, answer.error_code))
    )


def decode_query_answer(body: bytes) -> QueryAnswer:
    message_id, at = _cstring(body, 0, 65)
    final_date, at = _cstring(body, at, 17)
    if len(body) < at + 2:
        raise ProtocolError("the answer is cut off")
    return QueryAnswer(message_id, final_date, body[at], body[at + 1])


def encode_message_id(message_id: str) -> bytes:
    return terminated(message_id)


def decode_message_id(body: bytes) -> str:
    """The name the carrier gave; empty when it gave none.  Carriers that forget the NUL are understood."""
    return body[:65].partition(b"\0")[0].decode("latin-1").strip()


def status_text(status: int) -> str:
    """`0x00000058 (throttled)`: the code as every carrier's manual prints it, and its name where we know it."""
    name = STATUS_NAMES.get(status)
    return f"0x{status:08X} ({name})" if name else f"0x{status:08X}"


def absolute_time(at: datetime) -> str:
    """An instant as SMPP writes it, in UTC."""
    return at.astimezone(UTC).strftime("%y%m%d%H%M%S") + "000+"


@lru_cache(4_096)
def relative_time(seconds: int) -> str:
    """A validity of `seconds` from now in SMPP's relative format (at most 99 days)."""
    minutes, second = divmod(min(max(seconds, 1), 99 * 86_400), 60)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    return f"0000{day:02d}{hour:02d}{minute:02d}{second:02d}000R"
