"""Checking the books on a live system."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper

from .invariants import INVARIANTS, Invariant
from .traffic_invariants import TRAFFIC_INVARIANTS

SHOWN = 20
#: What production is asked.
EVERYTHING = (*INVARIANTS, *TRAFFIC_INVARIANTS)


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that breaks an invariant."""

    invariant: str
    row: Mapping[str, Any]


def problems(invariants: Sequence[Invariant] = INVARIANTS) -> list[Problem]:
    """The first rows that break each invariant; none when the books are right.  Runs as the engine, in a transaction."""
    return [Problem(one.name, row) for one in invariants for row in _breaking(one)]


@contextmanager
def _joining_wholes(cursor: CursorWrapper) -> Iterator[None]:
    """Have PostgreSQL join whole tables.

    Of a house just restored, or filled since it was last analysed, it expects next to no rows, and would compare each
    message with each attempt.
    """
    cursor.execute("SET LOCAL enable_nestloop = off")
    yield
    cursor.execute("SET LOCAL enable_nestloop = on")


def _breaking(invariant: Invariant) -> list[dict[str, Any]]:
    with connection.cursor() as cursor, _joining_wholes(cursor) if invariant.compares_wholes else nullcontext():
        cursor.execute(
            f"SELECT * FROM ({invariant.sql}) AS found LIMIT {SHOWN}",  # noqa: S608 (our own list)
            {"kept": timedelta(days=settings.MESSAGE_RETENTION_DAYS)},
        )
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
