"""The characters that make a text Unicode, and what to write instead."""

import re
import unicodedata
from dataclasses import dataclass

from .rules.segments import BASIC, EXTENSION, count_segments

_GSM7 = frozenset(BASIC + EXTENSION)
_VARIABLE = re.compile(r"\{\{|\}\}|\{\w+\}")

#: What word processors put in, and the character people meant.
_PLAIN = {
    "’": "'", "‘": "'", "‚": "'", "‛": "'", "´": "'", "`": "'", "′": "'",
    "“": '"', "”": '"', "„": '"', "‟": '"', "″": '"', "«": '"', "»": '"',
    "–": "-", "—": "-", "‐": "-", "‑": "-", "‒": "-", "−": "-", "•": "-", "·": "-",
    "…": "...", "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u2002": " ", "\u2003": " ", "\u3000": " ",
    "\u200b": "", "\u200c": "", "\u200d": "", "\u2060": "", "\ufeff": "", "\u00ad": "",
    "，": ", ", "。": ". ", "！": "! ", "？": "? ", "：": ": ", "；": "; ", "（": " (", "）": ") ", "×": "x", "™": "(TM)",
    "©": "(C)", "®": "(R)",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Forcing:
    """A character outside the GSM alphabet.  `position` counts from 1; `instead` is None when nothing stands for it."""

    character: str
    position: int
    word: str
    count: int
    instead: str | None

    @property
    def code(self) -> str:
        return f"U+{ord(self.character):04X}"


def forcing_in(body: str) -> list[Forcing]:
    """The characters of the wording itself that force Unicode, each once, in the order they first come."""
    found: dict[str, Forcing] = {}
    masked = _masked(body)
    for at, character in count_segments(masked).forcing:
        if character not in found:
            found[character] = Forcing(character, at + 1, _word_at(body, at), masked.count(character), plain(character))
    return list(found.values())


def replaced(body: str) -> str:
    """The body with every character that has a plain equivalent replaced; the rest as it was."""
    return "".join(
        character if character in _GSM7 or (instead := plain(character)) is None else instead for character in body
    )


def plain(character: str) -> str | None:
    """What to write instead, or None: letters lose an accent the GSM alphabet lacks, marks become the typed ones."""
    if character in _PLAIN:
        return _PLAIN[character]
    bare = "".join(part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part))
    return bare if bare and bare != character and set(bare) <= _GSM7 else None


def _masked(body: str) -> str:
    """The body with variables blanked out: their names are not sent."""
    return _VARIABLE.sub(lambda found: "x" * len(found[0]), body)


def _word_at(body: str, at: int) -> str:
    """The word around a place, for people who do not count characters."""
    start, end = at, at + 1
    while start > 0 and not body[start - 1].isspace() and at - start < 15:
        start -= 1
    while end < len(body) and not body[end].isspace() and end - at < 15:
        end += 1
    return body[start:end]
