"""Cutting a body into pieces for the eye: what changed, what screening found, what differs for each person."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .rules.differences import Change, differences

Span = tuple[int, int]
_VARIABLE = re.compile(r"\{\{|\}\}|(\{\w+\})")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text that looks the same throughout.  `change` is the element that shows it: ins, del or none."""

    text: str
    change: str = ""
    is_hit: bool = False
    is_variable: bool = False


def pieces(text: str, *, hits: Iterable[Span] = (), changed: Sequence[Span] = (), change: str = "") -> list[Piece]:
    """The text in pieces; joined, their texts are the text.  Spans outside it are cut off."""
    hits = list(hits)
    variables = [found.span() for found in _VARIABLE.finditer(text) if found[1]]
    cuts = {0, len(text)}
    for start, end in (*hits, *changed, *variables):
        cuts |= {min(start, len(text)), min(end, len(text))}
    places = sorted(cuts)
    return [
        Piece(
            text[start:end],
            change=change if _inside(start, changed) else "",
            is_hit=_inside(start, hits),
            is_variable=_inside(start, variables),
        )
        for start, end in zip(places, places[1:], strict=False)
    ]


def side_by_side(old: str, new: str, *, hits: Iterable[Span] = ()) -> tuple[list[Piece], list[Piece]]:
    """The old text with what went marked, and the new one with what came; `hits` are places in the new one."""
    changes = differences(old, new)
    gone = _joined(old, _spans(changes, kind="removed", beside="added"))
    came = _joined(new, _spans(changes, kind="added", beside="removed"))
    return pieces(old, changed=gone, change="del"), pieces(new, hits=hits, changed=came, change="ins")


def _joined(text: str, spans: Iterable[Span]) -> list[Span]:
    """Spans with only white space between them as one: a phrase is read as a phrase."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and not text[joined[-1][1] : start].strip():
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _spans(changes: Iterable[Change], *, kind: str, beside: str) -> list[Span]:
    spans, position = [], 0
    for change in changes:
        if change.kind == beside:
            continue
        if change.kind == kind:
            spans.append((position, position + len(change.text)))
        position += len(change.text)
    return spans


def _inside(position: int, spans: Iterable[Span]) -> bool:
    return any(start <= position < end for start, end in spans)
