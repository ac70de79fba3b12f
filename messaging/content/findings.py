"""What hints and screening have to say about a text, as sentences for people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from .rules import hints as rules
from .rules.variables import VariableSpec

_ICONS = {"bad": "circle-x", "warn": "alert-triangle", "info": "info-circle", "ok": "circle-check"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at: how serious, what, and why."""

    tone: str
    title: str
    text: str = ""

    @property
    def icon(self) -> str:
        return _ICONS[self.tone]


def from_hits(hits: Iterable[Mapping[str, Any]], text: str) -> list[Finding]:
    """One finding for each word on the list, blocked ones first, with the text as it was written."""
    by_word = {hit["word"]: hit for hit in hits}
    ordered = sorted(by_word.values(), key=lambda hit: hit["severity"] != "block")
    return [_from_hit(hit, text) for hit in ordered]


def _from_hit(hit: Mapping[str, Any], text: str) -> Finding:
    words = {"found": text[hit["start"] : hit["end"]], "word": hit["word"], "list": hit["category"]}
    if hit["severity"] == "block":
        return Finding(
            "bad", _("Blocked word: “%(found)s”") % words, _("“%(word)s” on the list “%(list)s” is never sent.") % words
        )
    return Finding("warn", _("Watched word: “%(found)s”") % words, _("“%(word)s” on the list “%(list)s”.") % words)


def from_hints(body: str, category: str, specs: Sequence[VariableSpec]) -> list[Finding]:
    """One finding for each hint, once, with the place it is about.  Raises BodyError."""
    found = {}
    for hint in rules.hints(body, category, specs):
        place = body[slice(*hint.span)] if hint.span else ""
        found[hint.code, place] = Finding(
            hint.severity, place and _("“%(text)s”") % {"text": place}, _(rules.MESSAGES[hint.code])
        )
    return [one if one.title else Finding(one.tone, one.text) for one in found.values()]
