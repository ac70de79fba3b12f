"""Making texts that look alike equal, while remembering where each character came from.

Compatibility forms (full width, circled, ligatures) and case are folded, traditional Chinese becomes simplified,
look-alikes become the Latin letter they imitate, and characters nobody sees disappear.  An accent that makes another
letter stays: `año` is not `ano`.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

import opencc

#: Cyrillic, Greek and phonetic letters that pass for Latin ones.
LOOKALIKES = str.maketrans(
    "аеорсухіјѕԁһӏѵԝԛкмнтв" + "αβγεικνορτυχω" + "ɡɑı", "aeopcyxijsdhlvwqkmhtb" + "abyeikvoptuxw" + "gai"
)
#: Digits and marks that pass for letters.
LEET = str.maketrans("0134578@$!|", "oieastbasil")
#: Letters by their class, and yet nothing to see.
FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
#: Scripts written without spaces, where a word has no visible end (the inside of a character class).
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"

#: A character with the marks and conjoining letters that belong to it.
_MARKS = r"[\u0300-\u036f\u0483-\u0489\u1160-\u11ff\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a\ufe20-\ufe2f]"
_CLUSTER = re.compile(rf"[\s\S]{_MARKS}*")
_SEPARATOR = re.compile(r"[\W_]")
_HAN = ((0x3400, 0xA000), (0xF900, 0xFB00), (0x20000, 0x2FA20))


@dataclass(frozen=True, slots=True)
class Folded:
    """A text after folding.  Its character `n` came from `starts[n]` up to `ends[n]` of the original."""

    text: str
    starts: list[int] | range
    ends: list[int] | range

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch of the folded text lies in the original."""
        return self.starts[start], self.ends[end - 1]

    def letters(self) -> list[int]:
        """Where the folded text has something other than white space, punctuation and symbols."""
        return [at for at, character in enumerate(self.text) if not _SEPARATOR.match(character)]


def fold(text: str, *, leetspeak: bool = False) -> Folded:
    """The text as it is compared; with `leetspeak`, digits that pass for letters are letters too."""
    if text.isascii():
        folded = Folded(text.lower(), range(len(text)), range(1, len(text) + 1))
    else:
        folded = _fold_each(text)
    return Folded(folded.text.translate(LEET), folded.starts, folded.ends) if leetspeak else folded


class _Folds(dict[int, str]):
    """For `str.translate`: what each character alone becomes."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _fold_long(chr(code))
        return folded


class _Letters(dict[int, str | None]):
    """For `str.translate`: white space, punctuation and symbols become nothing."""

    def __missing__(self, code: int) -> str | None:
        self[code] = letter = None if _SEPARATOR.match(chr(code)) else chr(code)
        return letter


_FOLDS, _LETTERS = _Folds(), _Letters()
_MARK = re.compile(_MARKS)


def fold_quickly(text: str, *, leetspeak: bool = False) -> str | None:
    """The text of `fold` without where it came from, many times as fast; None where marks stand on characters."""
    if text.isascii():
        folded = text.lower()
    elif _MARK.search(text):
        return None
    else:
        folded = text.translate(_FOLDS)
    return folded.translate(LEET) if leetspeak else folded


def letters_of(folded: str) -> str:
    """A folded text without its white space, punctuation and symbols."""
    return folded.translate(_LETTERS)


def _fold_each(text: str) -> Folded:
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for cluster in _CLUSTER.finditer(text):
        for character in _fold_cluster(cluster[0]):
            characters.append(character)
            starts.append(cluster.start())
            ends.append(cluster.end())
    return Folded("".join(characters), starts, ends)


def _fold_cluster(cluster: str) -> str:
    # A character of Zalgo drags hundreds of marks along: such clusters are not worth remembering.
    return _fold_short(cluster) if len(cluster) <= 2 else _fold_long(cluster)


@lru_cache(maxsize=20_000)
def _fold_short(cluster: str) -> str:
    return _fold_long(cluster)


def _fold_long(cluster: str) -> str:
    composed = unicodedata.normalize("NFC", cluster)
    if any(map(unicodedata.combining, composed[1:])):
        # Marks that belong to no letter of any language are a disguise: what is under them counts.
        composed = unicodedata.normalize("NFD", composed)[0]
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", composed).casefold())
    seen = "".join([character for character in text if _is_seen(character)])
    return seen.translate(_simplified()).translate(LOOKALIKES)


def _is_seen(character: str) -> bool:
    if character in "\n\r\t":
        return True
    return character not in FILLERS and unicodedata.category(character) not in ("Cf", "Cc", "Cs", "Mn", "Me")


@cache
def _simplified() -> dict[int, str]:
    """Each traditional character and its simplified form, asked of OpenCC once, one by one: no context, no shifts."""
    characters = [chr(code) for first, end in _HAN for code in range(first, end)]
    converted = opencc.OpenCC("t2s").convert("\n".join(characters)).split("\n")
    return {ord(old): new for old, new in zip(characters, converted, strict=True) if old != new}
