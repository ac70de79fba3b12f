"""Tables nobody edits: the database itself refuses."""

import pytest
from django.db import InternalError, ProgrammingError, connection, transaction

#: Whoever reaches the database, the owner of its tables among them.
ROLES = ("signalbox_web", "signalbox_engine", "none")


def expect_refusal(statement: str, *, role: str) -> None:
    """The database refuses this role to change what was written."""
    with (
        pytest.raises((InternalError, ProgrammingError), match="permission denied|append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SELECT set_config('role', %s, true)", [role])
        cursor.execute(statement)
