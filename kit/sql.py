"""Batches of SQL, where one statement does for a thousand rows what the ORM would do a thousand times."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import psycopg
from django.db import NotSupportedError, OperationalError, connection
from django.db.backends.utils import CursorDebugWrapper, CursorWrapper
from django.db.models import Model

Parameters = Mapping[str, Any] | Sequence[Any]
Found = TypeVar("Found", bound=Model)


def array(values: Iterable[object]) -> str:
    """A PostgreSQL array literal of ids or numbers (None is NULL), to be cast where it stands: `%s::uuid[]`.

    A parameter that is a list is looked at element by element, which for a thousand rows costs more than the query.
    """
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def text_array(values: Iterable[str]) -> str:
    """The same for texts, whatever is in them: `%s::text[]`.  A NUL is for the database to refuse."""
    texts = [value.replace("\\", "\\\\").replace('"', '\\"') for value in values]
    return '{"' + '","'.join(texts) + '"}' if texts else "{}"


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


#: Up to so many rows a batch is planned once for all: planning it takes longer than doing it.  A larger one is worth a
#: plan of its own, made for its size.
SMALL_BATCH = 64


def planned_once(statement: str, parameters: Parameters, *, size: int) -> list[tuple]:
    """The rows of a statement for a batch of `size`, whose plan the connection keeps for some seconds while batches are small.

    Not for what reads or changes messages: a kept plan can leave out no day's partition, and locks them all each time.
    Parameters travel apart from the statement then, so each needs a cast or a place that says its type.  Raises
    OperationalError, once a connection, where a migration has changed the type of a column since it was planned: the
    transaction is to be tried again.
    """
    with _cursor(keeps_plan=size <= SMALL_BATCH) as cursor:
        try:
            cursor.execute(statement, parameters)
        except NotSupportedError as error:
            raise OperationalError(*error.args) from error.__cause__
        return cursor.fetchall() if cursor.description else []


def _cursor(*, keeps_plan: bool) -> CursorWrapper:
    if not keeps_plan:
        return connection.cursor()
    connection.ensure_connection()
    connection.forget_old_plans()
    wrapper = CursorDebugWrapper if connection.queries_logged else CursorWrapper
    return wrapper(psycopg.Cursor(connection.connection), connection)


def columns_of(model: type[Model]) -> list[str]:
    """The names of all its columns, in the order that `loaded` takes them."""
    return [field.column for field in model._meta.concrete_fields]


def loaded(model: type[Found], row: Sequence[Any]) -> Found:
    """A model as the ORM would have read it, of a row with all its columns."""
    return model.from_db(connection.alias, [field.attname for field in model._meta.concrete_fields], row)


def records(
    shape: type[NamedTuple], statement: str, parameters: Parameters = (), *, size: int | None = None
) -> list[Any]:
    """The rows one statement answers with, each as a `shape` whose fields are in the order of the columns.

    With a `size` its plan is kept while batches are small, see `planned_once`.
    """
    found = rows(statement, parameters) if size is None else planned_once(statement, parameters, size=size)
    make = shape._make
    return [make(row) for row in found]
