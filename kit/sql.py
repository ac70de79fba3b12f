"""Batches of SQL, where one statement does for a thousand rows what the ORM would do a thousand times."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connection

Parameters = Mapping[str, Any] | Sequence[Any]


def run(statement: str, parameters: Parameters = ()) -> int:
    """Run one statement and say how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.rowcount


def rows(statement: str, parameters: Parameters = ()) -> list[tuple]:
    """The rows one statement answers with."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def records(shape: type[NamedTuple], statement: str, parameters: Parameters = ()) -> list[Any]:
    """The rows one statement answers with, each as a `shape` whose fields are in the order of the columns."""
    make = shape._make
    return [make(row) for row in rows(statement, parameters)]
