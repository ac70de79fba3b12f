"""Screening once more, with the values in: what a reviewer never saw may not be smuggled in by a variable."""

from functools import lru_cache

from messaging.content.rules.screening import Screen


def forbidden_word(screen: Screen, text: str, *, approved: str) -> str:
    """The first word compliance blocks that is in the text and not in the wording a reviewer approved; "" when none is."""
    hits = [hit.word for hit in screen.hits(text) if hit.severity == "block"]
    if not hits:
        return ""
    permitted = _words_in(screen, approved)
    return next((word for word in hits if word not in permitted), "")


@lru_cache(maxsize=1024)
def _words_in(screen: Screen, wording: str) -> frozenset[str]:
    return frozenset(hit.word for hit in screen.hits(wording))
