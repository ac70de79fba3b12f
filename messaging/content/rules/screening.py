"""Finding sensitive words, also where somebody tried to hide them.

All words are looked for at once (Aho-Corasick), in the folded text (`folding.py`), twice: as it reads, and with its
separators taken out.  A Latin word must stand alone (`class` is not `ass`); a Chinese one may stand anywhere.
With separators between its letters, a Latin word is found only when all of them are spread out (`c.a.s.i.n.o`) or where
the list has some too (`free-money` for `free money`), a Chinese one anyhow; up to three separators between two letters.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from ahocorasick_rs import AhoCorasick

from .folding import UNSPACED, Folded, fold, fold_quickly, letters_of

#: Separators between two characters of a hidden word, in characters of the original.
WIDEST_GAP = 3
#: Shorter Latin words are not looked for spread out: initials would be words.
SHORTEST_SPREAD = 3

_SPACED = re.compile(f"[^\\W_{UNSPACED}]")


@dataclass(frozen=True, slots=True)
class SensitiveWord:
    """A word compliance watches for."""

    word: str
    category: str
    severity: Literal["block", "warn"] = "block"


@dataclass(frozen=True, slots=True)
class Hit:
    """A sensitive word in a text: `text[start:end]` of the original is where it hides."""

    word: str
    category: str
    severity: Literal["block", "warn"]
    start: int
    end: int


class Screen:
    """A list of words, ready to screen many texts.  Build it once; it never changes and may be shared by threads."""

    def __init__(self, words: Iterable[SensitiveWord], *, leetspeak: bool = False) -> None:
        self._leetspeak = leetspeak
        self._entries = [entry for word in words if (entry := _entry(word, leetspeak))]
        self._reading = _Finder(entry.as_read for entry in self._entries)
        self._squeezing = _Finder(entry.squeezed for entry in self._entries)

    def hits(self, text: str) -> list[Hit]:
        """Every sensitive word in a text, in the order they stand there; overlapping ones all."""
        if not self._entries or self._is_clean(text):
            return []
        folded = fold(text, leetspeak=self._leetspeak)
        found = {*self._standing(folded), *self._spread(folded)}
        return sorted(found, key=lambda hit: (hit.start, hit.end, hit.word))

    def _is_clean(self, text: str) -> bool:
        """Whether no word is in the text in any dress, and nothing else has to be asked: true of nearly all texts."""
        folded = fold_quickly(text, leetspeak=self._leetspeak)
        if folded is None or self._reading.finds_any(folded):
            return False
        squeezed = letters_of(folded)
        return len(squeezed) == len(folded) or not self._squeezing.finds_any(squeezed)

    def _standing(self, folded: Folded) -> Iterator[Hit]:
        for index, start, end in self._reading.matches(folded.text):
            if _stands_alone(folded.text, start, end):
                yield _hit(self._entries[index].word, folded, start, end)

    def _spread(self, folded: Folded) -> Iterator[Hit]:
        letters = folded.letters()
        if len(letters) == len(folded.text):
            return
        squeezed = "".join([folded.text[at] for at in letters])
        for index, first, last in self._squeezing.matches(squeezed):
            places = letters[first:last]
            start, end = places[0], places[-1] + 1
            gaps = [right - left - 1 for left, right in pairwise(places)]
            if _is_hidden(self._entries[index], gaps) and _stands_alone(folded.text, start, end):
                yield _hit(self._entries[index].word, folded, start, end)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A word of the list, folded: as it reads, without separators, and between which letters it had some."""

    word: SensitiveWord
    as_read: str
    squeezed: str
    breaks: tuple[bool, ...]
    is_spaced: bool


def _entry(word: SensitiveWord, leetspeak: bool) -> _Entry | None:
    """Nothing when nothing is left of the word after folding."""
    folded = fold(word.word.strip(), leetspeak=leetspeak)
    letters = folded.letters()
    squeezed = "".join([folded.text[at] for at in letters])
    is_spaced = _SPACED.search(squeezed) is not None
    # 加 微信 is looked for as 加微信: white space means nothing between characters that need none.
    as_read = folded.text if is_spaced or not squeezed else squeezed
    breaks = tuple(right - left > 1 for left, right in pairwise(letters))
    return _Entry(word, as_read, squeezed, breaks, is_spaced) if as_read else None


class _Finder:
    """All occurrences of any of some patterns, each named by its place in the list."""

    def __init__(self, patterns: Iterable[str]) -> None:
        wanted = [(index, pattern) for index, pattern in enumerate(patterns) if pattern]
        self._indexes = [index for index, _ in wanted]
        self._automaton = AhoCorasick([pattern for _, pattern in wanted])

    def finds_any(self, text: str) -> bool:
        return bool(self._automaton.find_matches_as_indexes(text))

    def matches(self, text: str) -> Iterator[tuple[int, int, int]]:
        for which, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            yield self._indexes[which], start, end


def _hit(word: SensitiveWord, folded: Folded, start: int, end: int) -> Hit:
    return Hit(word.word, word.category, word.severity, *folded.span(start, end))


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether no letter of a script with spaces goes on where such a letter begins or ends the stretch."""
    goes_on_before = start > 0 and _is_spaced(text[start - 1]) and _is_spaced(text[start])
    goes_on_after = end < len(text) and _is_spaced(text[end - 1]) and _is_spaced(text[end])
    return not goes_on_before and not goes_on_after


def _is_spaced(character: str) -> bool:
    return _SPACED.match(character) is not None


def _is_hidden(entry: _Entry, gaps: list[int]) -> bool:
    """Whether gaps of these widths disguise the word rather than happen to be there."""
    if not any(gaps) or max(gaps) > WIDEST_GAP:
        return False
    if not entry.is_spaced:
        return True
    spread_out = len(entry.squeezed) >= SHORTEST_SPREAD and all(gaps)
    return spread_out or tuple(gap > 0 for gap in gaps) == entry.breaks
