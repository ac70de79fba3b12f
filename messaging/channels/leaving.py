"""Who is told what is about to leave on a line.  The engine, upstairs, says; channels only know that somebody may be."""

from collections.abc import Callable, Sequence
from uuid import UUID

Note = Callable[[Sequence[UUID]], None]
_note: Note | None = None


def announce_to(note: Note) -> None:
    """Name the one who is told: called with the attempts that are about to leave; when it raises, they don't."""
    global _note
    _note = note


def announce(attempt_ids: Sequence[UUID]) -> None:
    if _note is not None:
        _note(attempt_ids)
