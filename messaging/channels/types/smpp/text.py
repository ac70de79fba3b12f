"""Texts as octets: GSM 7-bit unpacked with its extension table, and UCS-2."""

from __future__ import annotations

from gsm0338 import Codec

GSM7, ASCII, LATIN1, UCS2 = 0x00, 0x01, 0x03, 0x08
_ESCAPE = 0x1B


class Unencodable(ValueError):
    """A character does not exist in the alphabet the message was counted in."""


def _gsm7_tables() -> tuple[dict[int, str], dict[int, str], dict[int, str]]:
    # gsm0338 works a character at a time (20 µs a text); its tables through str.translate take under 1 µs.
    codec, septets = Codec(), [septet for septet in range(128) if septet != _ESCAPE]
    basic = {septet: codec.decode(bytes([septet]))[0] for septet in septets}
    escaped = {septet: codec.decode(bytes([_ESCAPE, septet]), "ignore")[0] for septet in septets}
    extension = {septet: character for septet, character in escaped.items() if len(character) == 1}
    # ASCII without a septet (backtick, controls) goes to a lone surrogate, which `encode` then refuses.
    to_septets = dict.fromkeys(range(128), "\udfff")
    to_septets.update({ord(character): chr(_ESCAPE) + chr(septet) for septet, character in extension.items()})
    to_septets.update({ord(character): chr(septet) for septet, character in basic.items()})
    return basic, extension, to_septets


_BASIC, _EXTENSION, _TO_SEPTETS = _gsm7_tables()
_FROM_SEPTETS = {**dict.fromkeys(range(256), "\ufffd"), **_BASIC}
_FROM_ESCAPED = {**_FROM_SEPTETS, **_EXTENSION}


def encode_gsm7(text: str) -> bytes:
    """One octet per septet; `€` and its like take two.  Raises Unencodable rather than lose a character."""
    try:
        return text.translate(_TO_SEPTETS).encode("ascii")
    except UnicodeEncodeError:
        raise Unencodable("a character is not in the GSM 7-bit alphabet") from None


def decode_gsm7(octets: bytes) -> str:
    """Never fails: what is no septet becomes U+FFFD, an unknown escape shows its plain character."""
    plain, *escaped = octets.decode("latin-1").split(chr(_ESCAPE))
    text = [plain.translate(_FROM_SEPTETS)]
    for piece in escaped:
        text.append(piece[:1].translate(_FROM_ESCAPED))
        text.append(piece[1:].translate(_FROM_SEPTETS))
    return "".join(text)


def encode(text: str, encoding: str) -> tuple[int, bytes]:
    """The data coding and the octets of `text`; Unencodable when it does not fit the alphabet."""
    if encoding == "gsm7":
        return GSM7, encode_gsm7(text)
    try:
        return UCS2, text.encode("utf-16-be")
    except UnicodeEncodeError:
        raise Unencodable("the text holds half a character") from None


def decode(octets: bytes, data_coding: int) -> str:
    """Read what a carrier sent, whatever it sent.  NULs are dropped, since nothing downstream may hold one."""
    if data_coding == UCS2:
        text = octets.decode("utf-16-be", "replace")
    elif data_coding == GSM7:
        text = decode_gsm7(octets)
    elif data_coding == ASCII:
        text = octets.decode("ascii", "replace")
    else:
        text = octets.decode("latin-1")
    return text.replace("\0", "")


def without_header(octets: bytes) -> bytes:
    """The text behind a user data header."""
    return octets[1 + octets[0] :] if octets else octets
