"""Texts as octets: GSM 7-bit with its extension table, an octet a septet or packed, Latin-1 and UCS-2."""

from __future__ import annotations

from gsm0338 import Codec

GSM7, ASCII, LATIN1, UCS2 = 0x00, 0x01, 0x03, 0x08
ESCAPE = 0x1B


class Unencodable(ValueError):
    """A character does not exist in the alphabet the message was counted in."""


def _gsm7_tables() -> tuple[dict[int, str], dict[int, str], dict[int, str]]:
    # gsm0338 works a character at a time (20 µs a text); its tables through str.translate take under 1 µs.
    codec, septets = Codec(), [septet for septet in range(128) if septet != ESCAPE]
    basic = {septet: codec.decode(bytes([septet]))[0] for septet in septets}
    escaped = {septet: codec.decode(bytes([ESCAPE, septet]), "ignore")[0] for septet in septets}
    extension = {septet: character for septet, character in escaped.items() if len(character) == 1}
    # ASCII without a septet (backtick, controls) goes to a lone surrogate, which `encode` then refuses.
    to_septets = dict.fromkeys(range(128), "\udfff")
    to_septets.update({ord(character): chr(ESCAPE) + chr(septet) for septet, character in extension.items()})
    to_septets.update({ord(character): chr(septet) for septet, character in basic.items()})
    return basic, extension, to_septets


_BASIC, _EXTENSION, _TO_SEPTETS = _gsm7_tables()
_FROM_SEPTETS = {**dict.fromkeys(range(256), "\ufffd"), **_BASIC}
_FROM_ESCAPED = {**_FROM_SEPTETS, **_EXTENSION}
#: Septets that are the same characters in ASCII: most texts hold no other, and need no translation.
_AS_IN_ASCII = bytes(septet for septet, character in _BASIC.items() if ord(character) == septet)

#: Octets that a text in ASCII may hold.
_ASCII_TEXT = bytes({*b"\t\n\r", *range(0x20, 0x100)})


def encode_gsm7(text: str) -> bytes:
    """One octet per septet; `€` and its like take two.  Raises Unencodable rather than lose a character."""
    if text.isascii() and not (octets := text.encode("ascii")).translate(None, _AS_IN_ASCII):
        return octets
    try:
        return text.translate(_TO_SEPTETS).encode("ascii")
    except UnicodeEncodeError:
        raise Unencodable("a character is not in the GSM 7-bit alphabet") from None


def decode_gsm7(octets: bytes) -> str:
    """Never fails: what is no septet becomes U+FFFD, an unknown escape shows its plain character."""
    if not octets.translate(None, _AS_IN_ASCII):
        return octets.decode("ascii")
    plain, *escaped = octets.decode("latin-1").split(chr(ESCAPE))
    text = [plain.translate(_FROM_SEPTETS)]
    for piece in escaped:
        text.append(piece[:1].translate(_FROM_ESCAPED))
        text.append(piece[1:].translate(_FROM_SEPTETS))
    return "".join(text)


def pack(septets: bytes, *, fill_bits: int = 0) -> bytes:
    """Eight septets in seven octets, behind `fill_bits` empty ones.  Seven bits left over say nothing: CR fills them."""
    if (7 * len(septets) + fill_bits) % 8 == 1:
        septets += b"\r"
    bits = 0
    for septet in reversed(septets):
        bits = bits << 7 | septet
    return (bits << fill_bits).to_bytes((7 * len(septets) + fill_bits + 7) // 8, "little")


def unpack(octets: bytes, *, fill_bits: int = 0) -> bytes:
    """The septets of packed octets, without a CR that only fills."""
    count, spare = divmod(max(0, 8 * len(octets) - fill_bits), 7)
    bits = int.from_bytes(octets, "little") >> fill_bits
    septets = bytes(bits >> 7 * place & 0x7F for place in range(count))
    return septets[:-1] if not spare and septets.endswith(b"\r") else septets


def encode(text: str, encoding: str) -> tuple[int, bytes]:
    """The data coding and the octets of `text`; Unencodable when it does not fit the alphabet."""
    if encoding == "gsm7":
        return GSM7, encode_gsm7(text)
    try:
        return UCS2, text.encode("utf-16-be")
    except UnicodeEncodeError:
        raise Unencodable("the text holds half a character") from None


def encode_latin1(text: str) -> bytes | None:
    """One octet a character; None when one is not in the alphabet."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return None


def decode(octets: bytes, data_coding: int, *, is_packed: bool = False, fill_bits: int = 0) -> str:
    """Read what a carrier sent, whatever it sent.  NULs are dropped, since nothing downstream may hold one."""
    if data_coding == UCS2:
        text = octets.decode("utf-16-be", "replace")
    elif data_coding == GSM7:
        text = decode_gsm7(unpack(octets, fill_bits=fill_bits) if is_packed else octets)
    elif data_coding == ASCII and not octets.translate(None, _ASCII_TEXT):
        text = octets.decode("ascii", "replace")
    elif data_coding == ASCII:  # some say ASCII and send septets: their `@` and `€` are control characters there
        text = decode_gsm7(octets)
    else:
        text = octets.decode("latin-1")
    return text.replace("\0", "")


def alphabet_of(data_coding: int) -> int:
    """The alphabet behind a data coding that also says something else: a message class, or compression we ignore."""
    if data_coding >= 0xF0:
        return LATIN1 if data_coding & 0x04 else GSM7
    if 0x10 <= data_coding < 0x40:
        return {0x00: GSM7, 0x08: UCS2}.get(data_coding & 0x0C, LATIN1)
    return data_coding


def without_header(octets: bytes) -> bytes:
    """The text behind a user data header."""
    return octets[1 + octets[0] :] if octets else octets
