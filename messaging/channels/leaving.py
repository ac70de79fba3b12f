"""Who is told what is about to leave on a line, and what was answered.  The engine, upstairs, says; channels only know that
somebody may be."""

from collections.abc import Callable, Sequence
from uuid import UUID

from .types.base import Outcome

NoteLeaving = Callable[[Sequence[UUID]], None]
NoteAnswers = Callable[[Sequence[Outcome]], None]
_note_leaving: NoteLeaving | None = None
_note_answers: NoteAnswers | None = None


def announce_to(leaving: NoteLeaving, *, answers: NoteAnswers) -> None:
    """Name who is told: `leaving` is called with the attempts that are about to leave, which they don't when it raises, and
    `answers` with what came of them."""
    global _note_leaving, _note_answers
    _note_leaving, _note_answers = leaving, answers


def announce(attempt_ids: Sequence[UUID]) -> None:
    if _note_leaving is not None:
        _note_leaving(attempt_ids)


def tell_answers(outcomes: Sequence[Outcome]) -> None:
    if _note_answers is not None:
        _note_answers(outcomes)
