"""What the house remembers about itself between one look and the next."""

from billing.ledger.books import EVERYTHING, problems
from kit import tenancy
from kit.sql import run

BEAT_TICKED = "beat_ticked"
BOOKS_CHECKED = "books_checked"

_NOTE = """
INSERT INTO operations_housefact (name, at, value) VALUES (%s, now(), %s)
ON CONFLICT (name) DO UPDATE SET at = excluded.at, value = excluded.value
"""


def note_tick() -> None:
    """Beat rang and a worker heard it: both live, and the broker between them."""
    with tenancy.as_engine():
        run(_NOTE, [BEAT_TICKED, 1])


def check_books() -> int:
    """Check the books and note how many rows break them."""
    with tenancy.as_engine():
        found = len(problems(EVERYTHING))
        run(_NOTE, [BOOKS_CHECKED, found])
    return found
