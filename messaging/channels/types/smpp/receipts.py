"""What a deliver_sm says: a receipt in the carrier's words, or a text from a handset."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from messaging.channels.types.base import ParsedInbound, ParsedReceipt, ReceiptState
from messaging.channels.types.smpp import pdu, text

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


def parse_receipt(message: pdu.Message) -> ParsedReceipt | None:
    """Read a receipt; its parameters win over its text.  None when the state is a word we do not know."""
    words = _words(message)
    state = _state(message, words)
    reference = _parameter_text(message, pdu.RECEIPTED_MESSAGE_ID) or words.get("id", "")
    if state is None or not (reference or message.user_message_reference):
        return None
    return ParsedReceipt(
        reference=reference,
        state=state,
        error_code=words.get("err", "") or _network_error(message),
        user_message_reference=message.user_message_reference,
        at=_carrier_time(words.get("done date", "")),
        # A receipt travels back: its source is whom we wrote to.
        recipient=_international(message.source, message.source_ton),
        sender=message.destination,
    )


def parse_inbound(message: pdu.Message) -> ParsedInbound:
    octets = text.without_header(message.text) if message.esm_class & pdu.HAS_HEADER else message.text
    return ParsedInbound(
        sender=_international(message.source, message.source_ton),
        recipient=message.destination,
        body=text.decode(octets, message.data_coding),
        reference=inbound_reference(message),
    )


def inbound_reference(message: pdu.Message) -> str:
    """What the carrier calls this text, if anything."""
    return _parameter_text(message, pdu.RECEIPTED_MESSAGE_ID)


def _words(message: pdu.Message) -> dict[str, str]:
    # A NUL inside a word would be refused by the database, and the carrier would send it again for ever.
    said = _BEFORE_TEXT.split(message.text.decode("latin-1").replace("\0", ""), maxsplit=1)[0]
    return {name.lower(): value for name, value in reversed(_WORD.findall(said))}  # the first wins


def _state(message: pdu.Message, words: dict[str, str]) -> ReceiptState | None:
    number = message.tlvs.get(pdu.MESSAGE_STATE)
    if number:
        return STATES_BY_NUMBER.get(number[0])
    return STATUSES.get(words.get("stat", "").upper())


def _parameter_text(message: pdu.Message, tag: int) -> str:
    return message.tlvs.get(tag, b"").partition(b"\0")[0].decode("latin-1").strip()


def _network_error(message: pdu.Message) -> str:
    value = message.tlvs.get(pdu.NETWORK_ERROR_CODE, b"")
    return str(int.from_bytes(value[1:3], "big")) if len(value) == 3 else ""


def _carrier_time(stamp: str) -> datetime | None:
    """`YYMMDDhhmm` with or without seconds, read as UTC because receipts do not say whose clock it is."""
    for layout in ("%y%m%d%H%M%S", "%y%m%d%H%M"):
        try:
            return datetime.strptime(stamp, layout).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def _international(address: str, ton: int) -> str:
    """E.164 with its plus where the address is a full number; short codes and names stay as they are."""
    if address.isdigit() and (ton == 1 or len(address) > 8):
        return f"+{address}"
    return address
