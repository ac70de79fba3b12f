"""Long texts in several parts, cut where the segments were counted, and the headers that join them again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from messaging.channels.types.smpp import pdu, text

#: Units (septets, UTF-16 code units) in one part alone.
ALONE = {"gsm7": 160, "ucs2": 70}
#: Units in each of several parts.  A header with a 16-bit reference takes one more from each.
TOGETHER = {"gsm7": 153, "ucs2": 67}
#: A text of more octets than any single part has travels as message_payload.
LONGEST_OCTETS = 160
MOST = 255

WAYS = ("udh8", "udh16", "sar", "payload")


class Header(NamedTuple):
    """What joins one part to the others: octets before the text, or parameters behind it."""

    octets: bytes = b""
    tlvs: Mapping[int, bytes] = pdu.NO_TLVS

    @property
    def fill_bits(self) -> int:
        """Empty bits that bring packed septets behind the header back to a septet's edge."""
        return -len(self.octets) * 8 % 7


NO_HEADER = Header()


def cut_gsm7(septets: bytes, room: int) -> list[bytes]:
    """Pieces of up to `room` septets; an escape stays with the septet it belongs to."""
    pieces, start, end = [], 0, len(septets)
    while start < end:
        stop = start + room
        if stop < end and septets[stop - 1] == text.ESCAPE:
            stop -= 1
        pieces.append(septets[start:stop])
        start = stop
    return pieces


def cut_ucs2(octets: bytes, room: int) -> list[bytes]:
    """Pieces of up to `room` code units; a surrogate pair stays together."""
    pieces, start, end = [], 0, len(octets)
    while start < end:
        stop = start + 2 * room
        if stop < end and 0xD8 <= octets[stop - 2] <= 0xDB:
            stop -= 2
        pieces.append(octets[start:stop])
        start = stop
    return pieces


def room_of(encoding: str, way: str) -> int:
    return TOGETHER[encoding] - (way == "udh16")


def headers(way: str, reference: int, total: int) -> list[Header]:
    """One for each part.  Raises ValueError when there are more parts than a header can count."""
    if total > MOST:
        raise ValueError("a text of more than 255 parts")
    numbers = range(1, total + 1)
    if way == "udh8":
        return [Header(bytes((5, 0x00, 3, reference & 0xFF, total, number))) for number in numbers]
    if way == "udh16":
        return [Header(b"\x06\x08\x04" + reference.to_bytes(2, "big") + bytes((total, number))) for number in numbers]
    return [
        Header(
            tlvs={
                pdu.SAR_REFERENCE: reference.to_bytes(2, "big"),
                pdu.SAR_TOTAL: bytes([total]),
                pdu.SAR_NUMBER: bytes([number]),
            }
        )
        for number in numbers
    ]


class Place(NamedTuple):
    """Where a part belongs, as its header says."""

    reference: int
    total: int
    number: int


def place_of(message: pdu.Message) -> Place | None:
    """None for a text that came whole, or whose header makes no sense."""
    if message.esm_class & pdu.HAS_HEADER:
        return _place_in(message.text[1 : 1 + message.text[0]] if message.text else b"")
    if pdu.SAR_REFERENCE in message.tlvs:
        reference, total, number = (
            int.from_bytes(message.tlvs.get(tag, b""), "big")
            for tag in (pdu.SAR_REFERENCE, pdu.SAR_TOTAL, pdu.SAR_NUMBER)
        )
        return Place(reference, total, number) if 0 < number <= total <= MOST else None
    return None


def _place_in(elements: bytes) -> Place | None:
    at = 0
    while at + 2 <= len(elements):
        kind, length = elements[at], elements[at + 1]
        value = elements[at + 2 : at + 2 + length]
        if (kind, length, len(value)) in ((0x00, 3, 3), (0x08, 4, 4)) and 0 < value[-1] <= value[-2]:
            return Place(int.from_bytes(value[:-2], "big"), value[-2], value[-1])
        at += 2 + length
    return None
