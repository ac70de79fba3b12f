"""Reads that every room makes alike."""

from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from kit.errors import NotFound

Row = TypeVar("Row", bound=Model)


def one_of(rows: QuerySet[Row], **which: Any) -> Row:
    """The row of these that is meant.  Raises NotFound for a stranger's as for one that never was."""
    found = rows.filter(**which).first()
    if found is None:
        raise NotFound
    return found
