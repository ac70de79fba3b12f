"""How many segments a text is: what the network carries at once, and what is billed.

After 3GPP TS 23.038 (alphabets) and TS 23.040 (joining).  A text that fits the GSM 7-bit alphabet has 160 units in one
segment and 153 in each of several, the rest being the joining header; any other text is UCS-2 with 70 and 67 units.
A unit is a septet or a UTF-16 code unit.  A character of two units (the extension table's, or one outside the basic
plane) is never cut in two: the segment ends before it, one unit short.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

#: The GSM 7-bit default alphabet in code order, without the escape at 0x1B.
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: Its extension table: each costs an escape and a code.
EXTENSION = "\f^{}\\[~]|€"

GSM7, UCS2 = "gsm7", "ucs2"
#: Units in a single segment, and in each of several.
ROOM = {GSM7: (160, 153), UCS2: (70, 67)}
#: How many of the characters that force Unicode are named.
NAMED = 20

_OUTSIDE_BASIC = re.compile(f"[^{re.escape(BASIC)}]")
_OUTSIDE_GSM7 = re.compile(f"[^{re.escape(BASIC + EXTENSION)}]")
_ESCAPED = {ord(character): "\x1b" + character for character in EXTENSION}


@dataclass(frozen=True, slots=True)
class Segments:
    """The size of a text.  `per_segment` is how many units a segment of it holds; `forcing` names the first
    characters (index, character) that keep it out of the GSM alphabet."""

    encoding: str
    units: int
    segments: int
    per_segment: int
    forcing: tuple[tuple[int, str], ...] = ()


#: The answer for each plain text that fits one segment, made once.
_SHORT = tuple(Segments(GSM7, units, 1, 160) for units in range(161))


def count_segments(text: str) -> Segments:
    """The size of a text as it goes over the air.

    An empty text has no units and is one segment: a message that is sent is never free.
    """
    if len(text) <= 160 and _OUTSIDE_BASIC.search(text) is None:
        return _SHORT[len(text)]
    return _count(text)


@lru_cache(maxsize=4096)
def _count(text: str) -> Segments:
    if _OUTSIDE_GSM7.search(text) is None:
        return _sized(GSM7, text.translate(_ESCAPED).encode("utf-16-le"), ())
    forcing = tuple((found.start(), found[0]) for found in islice(_OUTSIDE_GSM7.finditer(text), NAMED))
    return _sized(UCS2, text.encode("utf-16-le", "surrogatepass"), forcing)


def _sized(encoding: str, units: bytes, forcing: tuple[tuple[int, str], ...]) -> Segments:
    """`units` holds two bytes for each; a unit that begins a pair is an escape or a high surrogate."""
    single, several = ROOM[encoding]
    count = len(units) // 2
    if count <= single:
        return Segments(encoding, count, 1, single, forcing)
    begins_pair = _is_escape if encoding == GSM7 else _is_high_surrogate
    segments = position = 0
    while position < count:
        position += several
        if position < count and begins_pair(units, position - 1):
            position -= 1
        segments += 1
    return Segments(encoding, count, segments, several, forcing)


def _is_escape(units: bytes, position: int) -> bool:
    return units[2 * position : 2 * position + 2] == b"\x1b\x00"


def _is_high_surrogate(units: bytes, position: int) -> bool:
    return 0xD8 <= units[2 * position + 1] <= 0xDB


def with_sender(sender: str, text: str, *, bracketed: bool = True) -> str:
    """The text as the handset shows it when its sender is a signature: `【sender】text`.

    A sender of another kind (`bracketed=False`) is the address and adds nothing.  A signature that is there already is
    not put there twice.
    """
    name = sender.strip("【】")
    if not bracketed or not name or text.startswith(f"【{name}】"):
        return text
    return f"【{name}】{text}"
