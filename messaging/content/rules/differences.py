"""What changed between two wordings, for the reviewer who saw the old one."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

#: A placeholder, a character of a script written without spaces, a word, white space, or one mark.
_TOKEN = re.compile(r"\{\w+\}|[\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]|[^\W\u2e80-\u9fff\uf900-\ufaff]+|\s+|.")
#: Comparing takes about (pairs of equal tokens)^1.5 steps at worst, a second for so many; beyond, lines are compared.
MOST_PAIRS = 200_000


@dataclass(frozen=True, slots=True)
class Change:
    """A run of text that stayed, came or went."""

    kind: Literal["same", "added", "removed"]
    text: str


def differences(old: str, new: str) -> list[Change]:
    """The way from one text to the other.

    `same` and `removed` joined give `old`; `same` and `added` joined give `new`.  Latin is compared by word, Chinese and
    Japanese by character, a placeholder as a whole.  Where something was replaced, what went comes before what came.
    """
    start, end = _shared_ends(left := _TOKEN.findall(old), right := _TOKEN.findall(new))
    head, tail = "".join(left[:start]), "".join(left[len(left) - end :])
    left, right = left[start : len(left) - end], right[start : len(right) - end]
    if _pairs(left, right) > MOST_PAIRS:
        left, right = ("".join(side).splitlines(keepends=True) for side in (left, right))
    if _pairs(left, right) > MOST_PAIRS:
        left, right = ["".join(left)], ["".join(right)]
    return _merged([Change("same", head), *_changes(left, right), Change("same", tail)])


def _shared_ends(left: Sequence[str], right: Sequence[str]) -> tuple[int, int]:
    """How many tokens two texts begin with and end with alike: most edits are small, and this is most of the work."""
    shorter = min(len(left), len(right))
    start = next((at for at in range(shorter) if left[at] != right[at]), shorter)
    rest = shorter - start
    return start, next((at for at in range(rest) if left[-1 - at] != right[-1 - at]), rest)


def _pairs(left: Sequence[str], right: Sequence[str]) -> int:
    counts = Counter(right)
    return sum(times * counts[token] for token, times in Counter(left).items())


def _changes(left: Sequence[str], right: Sequence[str]) -> Iterator[Change]:
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    for operation, left_from, left_to, right_from, right_to in matcher.get_opcodes():
        if operation == "equal":
            yield Change("same", "".join(left[left_from:left_to]))
            continue
        yield Change("removed", "".join(left[left_from:left_to]))
        yield Change("added", "".join(right[right_from:right_to]))


def _merged(changes: Iterable[Change]) -> list[Change]:
    """No empty runs, no two neighbours of a kind."""
    merged: list[Change] = []
    for change in filter(lambda change: change.text, changes):
        if merged and merged[-1].kind == change.kind:
            merged[-1] = Change(change.kind, merged[-1].text + change.text)
        else:
            merged.append(change)
    return merged
