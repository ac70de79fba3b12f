"""Messages as submits, the way one carrier wants them written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from messaging.channels.types.base import Outgoing
from messaging.channels.types.smpp import parts, pdu, text
from messaging.channels.types.smpp.config import SmppConfig

_OUR_REFERENCE = pdu.USER_MESSAGE_REFERENCE.to_bytes(2, "big") + b"\0\2"
_LONGEST_ADDRESS = 20


class Writer:
    """Writes submit_sm bodies.  What many messages share is written once and kept."""

    def __init__(self, config: SmppConfig) -> None:
        self._config = config
        self._to = bytes((_or(config.destination_ton, 1), _or(config.destination_npi, 1)))
        self._head = lru_cache(1_024)(self._write_head)
        self._middle = lru_cache(4_096)(self._write_middle)
        self._coding = {alphabet: _or(chosen, alphabet) for alphabet, chosen in _chosen_codings(config).items()}

    def write(self, outgoing: Outgoing) -> list[bytes]:
        """The body of each submit: one, or one a part.  ValueError or OverflowError when no carrier can be told."""
        before = self._head(outgoing.sender) + _destination(outgoing.recipient)
        behind = _OUR_REFERENCE + outgoing.reference.to_bytes(2, "big")
        validity = self._validity(outgoing.validity_seconds)
        coding, pieces = self._pieces(outgoing)
        if len(pieces) == 1:
            return [self._one(before, validity, coding, pieces[0], parts.NO_HEADER, behind)]
        headers = parts.headers(self._config.long_messages, outgoing.reference, len(pieces))
        return [
            self._one(before, validity, coding, piece, header, behind)
            for piece, header in zip(pieces, headers, strict=True)
        ]

    def _one(
        self, before: bytes, validity: str, coding: int, piece: bytes, header: parts.Header, behind: bytes
    ) -> bytes:
        if coding == text.GSM7 and self._config.gsm7 == "packed":
            piece = text.pack(piece, fill_bits=header.fill_bits)
        octets = header.octets + piece
        if header.tlvs:
            behind += pdu.encode_tlvs(header.tlvs)
        if len(octets) > parts.LONGEST_OCTETS:
            behind += pdu.encode_tlvs({pdu.MESSAGE_PAYLOAD: octets})
            octets = b""
        middle = self._middle(validity, coding, bool(header.octets))
        return b"".join((before, middle, bytes((len(octets),)), octets, behind))

    def _pieces(self, outgoing: Outgoing) -> tuple[int, list[bytes]]:
        """The coding, and the text in as many pieces as there are submits."""
        coding, octets = text.encode(outgoing.body, outgoing.encoding)
        alone = parts.ALONE[outgoing.encoding] * (1 if coding == text.GSM7 else 2)
        is_latin1 = coding == text.GSM7 and self._config.latin1 and text.encode_latin1(outgoing.body) is not None
        if len(octets) <= alone or self._config.long_messages == "payload":
            pieces = [octets]
        else:
            cut = parts.cut_gsm7 if coding == text.GSM7 else parts.cut_ucs2
            pieces = cut(octets, parts.room_of(outgoing.encoding, self._config.long_messages))
        if is_latin1:  # cut as it was counted, in septets: the carrier makes septets of it again
            return text.LATIN1, [text.decode_gsm7(piece).encode("latin-1") for piece in pieces]
        return coding, pieces

    def _validity(self, seconds: int | None) -> str:
        if not seconds or self._config.validity == "none":
            return ""
        if self._config.validity == "absolute":
            return pdu.absolute_time(datetime.now(UTC) + timedelta(seconds=seconds))
        return pdu.relative_time(seconds)

    def source(self, sender: str) -> tuple[str, int, int]:
        """The sender as this carrier is told it: address, type of number, numbering plan."""
        address, ton, npi = source_address(sender)
        return address, _or(self._config.source_ton, ton), _or(self._config.source_npi, npi)

    def _write_head(self, sender: str) -> bytes:
        address, ton, npi = self.source(sender)
        return b"\0" + bytes((ton, npi)) + pdu.terminated(address) + self._to  # no service type

    def _write_middle(self, validity: str, coding: int, has_header: bool) -> bytes:
        manner = bytes((pdu.HAS_HEADER if has_header else 0, 0, 0))
        # Every submit asks for its final receipt, so every part of a text gets one.
        return manner + b"\0" + pdu.terminated(validity) + bytes((1, 0, self._coding[coding], 0))


def own_alphabets(config: SmppConfig) -> dict[int, int]:
    """The data codings a carrier uses in its own way, and the alphabet each stands for."""
    return {chosen: alphabet for alphabet, chosen in _chosen_codings(config).items() if chosen is not None}


def _chosen_codings(config: SmppConfig) -> dict[int, int | None]:
    return {
        text.GSM7: config.data_coding_gsm7,
        text.LATIN1: config.data_coding_latin1,
        text.UCS2: config.data_coding_ucs2,
    }


def source_address(sender: str) -> tuple[str, int, int]:
    """The sender, its type of number and its numbering plan: a name, a full number or a short code."""
    digits = sender.removeprefix("+")
    if not digits.isdigit() or not digits.isascii():
        if not sender.isascii() or len(sender) > _LONGEST_ADDRESS:
            raise ValueError("a sender must be up to 20 ASCII characters")
        return sender, 5, 0
    if sender.startswith("+") or len(digits) > 8:
        return digits[:_LONGEST_ADDRESS], 1, 1
    return digits, 3, 0


def _destination(recipient: str) -> bytes:
    digits = recipient.removeprefix("+")
    if len(digits) > _LONGEST_ADDRESS or "\0" in digits:
        raise ValueError("no address")
    return digits.encode("ascii") + b"\0"


def _or(chosen: int | None, usual: int) -> int:
    return usual if chosen is None else chosen
