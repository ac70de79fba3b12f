"""What a deliver_sm says: a receipt in the carrier's words, or a text from a handset."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType

from messaging.channels.types.base import ParsedInbound, ParsedReceipt, ReceiptState
from messaging.channels.types.smpp import pdu, text
from messaging.channels.types.smpp.names import AS_IS, Naming

#: The carrier's own words on the left.  UNKNOWN is left out on purpose: a carrier that does not know
#: has told us nothing, and guessing could charge for a lost message or release a delivered one.
STATUSES: dict[str, ReceiptState] = {
    "DELIVRD": "delivered",
    "EXPIRED": "expired",
    "DELETED": "undelivered",
    "UNDELIV": "undelivered",
    "REJECTD": "undelivered",
    "ACCEPTD": "accepted",
    "ENROUTE": "accepted",
}
#: The same states as numbers, in the message_state parameter.
STATES_BY_NUMBER: dict[int, ReceiptState] = {
    1: "accepted", 2: "delivered", 3: "expired", 4: "undelivered", 5: "undelivered", 6: "accepted", 8: "undelivered",
}  # fmt: skip

# Only what comes before `text:` is the carrier speaking; behind it the message itself could say "stat:DELIVRD".
_BEFORE_TEXT = re.compile(r"\btext:", re.IGNORECASE)
_WORD = re.compile(r"\b(id|stat|err|done date):\s*([^\s]+)", re.IGNORECASE)
# As the protocol's appendix writes it, and so do most: found in one step.
_USUAL = re.compile(
    r"id:([^\s\0]+) sub:[^\s\0]+ dlvrd:[^\s\0]+ submit date:[^\s\0]+ done date:([^\s\0]+) stat:([^\s\0]+) err:([^\s\0]+)"
)

NO_ALPHABETS: Mapping[int, int] = MappingProxyType({})


def parse_receipt(message: pdu.Message, *, form: str = "auto", naming: Naming = AS_IS) -> ParsedReceipt | None:
    """Read a receipt; its parameters win over its text unless `form` names one of them.

    None when the state is a word we do not know.
    """
    if form == "text":
        words, tlvs = _words(message), pdu.NO_TLVS
    else:
        words, tlvs = ({} if form == "parameters" else _words(message)), message.tlvs
    state = _state(tlvs, words)
    reference = _reference(tlvs, words, naming)
    if state is None or not (reference or message.user_message_reference):
        return None
    return ParsedReceipt(
        reference=reference,
        state=state,
        error_code=words.get("err", "") or _network_error(tlvs),
        user_message_reference=message.user_message_reference,
        at=_carrier_time(words.get("done date", "")),
        # A receipt travels back: its source is whom we wrote to.
        recipient=_international(message.source, message.source_ton),
        sender=message.destination,
    )


def parse_inbound(
    message: pdu.Message, *, is_packed: bool = False, alphabets: Mapping[int, int] = NO_ALPHABETS
) -> ParsedInbound:
    """Read a text from a handset.  `alphabets` are a carrier's own data codings and what they stand for."""
    octets, fill_bits = message.text, 0
    if message.esm_class & pdu.HAS_HEADER:
        octets = text.without_header(octets)
        fill_bits = -(len(message.text) - len(octets)) * 8 % 7
    alphabet = alphabets.get(message.data_coding, text.alphabet_of(message.data_coding))
    return ParsedInbound(
        sender=_international(message.source, message.source_ton),
        recipient=message.destination,
        body=text.decode(octets, alphabet, is_packed=is_packed, fill_bits=fill_bits),
        reference=inbound_reference(message),
    )


def inbound_reference(message: pdu.Message) -> str:
    """What the carrier calls this text, if anything."""
    return _parameter_text(message.tlvs, pdu.RECEIPTED_MESSAGE_ID)


def _reference(tlvs: Mapping[int, bytes], words: Mapping[str, str], naming: Naming) -> str:
    named, said = _parameter_text(tlvs, pdu.RECEIPTED_MESSAGE_ID), words.get("id", "")
    if naming is AS_IS:
        return named or said
    # Where two bases are in use, the text has the receipt's; the parameter often repeats the answer's.
    return naming.of_receipt(said or named)


def _words(message: pdu.Message) -> dict[str, str]:
    if usual := _USUAL.match(said := message.text.decode("latin-1")):
        reference, done, state, error = usual.groups()
        return {"id": reference, "done date": done, "stat": state, "err": error}
    # A NUL inside a word would be refused by the database, and the carrier would send it again for ever.
    said = _BEFORE_TEXT.split(said.replace("\0", ""), maxsplit=1)[0]
    return {name.lower(): value for name, value in reversed(_WORD.findall(said))}  # the first wins


def _state(tlvs: Mapping[int, bytes], words: Mapping[str, str]) -> ReceiptState | None:
    if number := tlvs.get(pdu.MESSAGE_STATE):
        return STATES_BY_NUMBER.get(number[0])
    return STATUSES.get(words.get("stat", "").upper())


def _parameter_text(tlvs: Mapping[int, bytes], tag: int) -> str:
    return tlvs[tag].partition(b"\0")[0].decode("latin-1").strip() if tag in tlvs else ""


def _network_error(tlvs: Mapping[int, bytes]) -> str:
    value = tlvs.get(pdu.NETWORK_ERROR_CODE, b"")
    return str(int.from_bytes(value[1:3], "big")) if len(value) == 3 else ""


@lru_cache(maxsize=1_024)
def _carrier_time(stamp: str) -> datetime | None:
    """`YYMMDDhhmm` with or without seconds, read as UTC because receipts do not say whose clock it is."""
    if len(stamp) not in (10, 12) or not stamp.isdecimal():
        return None
    year, month, day, hour, minute, second = (int(stamp[at : at + 2] or 0) for at in range(0, 12, 2))
    try:
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _international(address: str, ton: int) -> str:
    """E.164 with its plus where the address is a full number; short codes and names stay as they are."""
    if address.isdigit() and (ton == 1 or len(address) > 8):
        return f"+{address}"
    return address
