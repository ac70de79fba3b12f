"""Which migrations would hold up a house at work, or break the code that still runs while they do."""

import re
from collections.abc import Iterator

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

#: Tables that grow with traffic: what reads or writes all their rows takes minutes, and nobody may wait for it.
BIG = frozenset(
    {
        "accounts_auditentry",
        "campaigns_recipient",
        "engine_attempt",
        "engine_deliveryreceipt",
        "engine_message",
        "engine_queueentry",
        "engine_settlement",
        "engine_trafficcount",
        "hooks_webhookdelivery",
        "ledger_transfer",
    }
)

_REWRITES = (
    (re.compile(r"\bCREATE (UNIQUE )?INDEX (?!CONCURRENTLY)", re.I), "an index is made without CONCURRENTLY"),
    (
        re.compile(r"\bALTER COLUMN \S+ (SET DATA )?TYPE\b", re.I),
        "a column's type is changed, which rewrites every row",
    ),
    (
        re.compile(r"\bSET NOT NULL\b", re.I),
        "NOT NULL is demanded at once: add a CHECK … NOT VALID and validate it later",
    ),
    (
        re.compile(r"\bADD (CONSTRAINT \S+ )?(CHECK|FOREIGN KEY|UNIQUE|PRIMARY KEY)\b(?![^;]*NOT VALID)", re.I),
        "a constraint is checked on every row at once: add it NOT VALID and validate it later",
    ),
    (
        re.compile(r"\bUPDATE\b(?!\s+ON\b)|\bDELETE FROM\b", re.I),
        "rows are changed in a migration: do it in batches, from a task",
    ),
)
_GOES = {
    migrations.RemoveField: "a column goes that the code of before still reads",
    migrations.RenameField: "a column is renamed under the code of before",
    migrations.RenameModel: "a table is renamed under the code of before",
    migrations.DeleteModel: "a table goes that the code of before still reads",
}


def problems_of(migration: migrations.Migration) -> list[str]:
    """Why this migration is not for a house at work; nothing when it is.

    What a migration makes itself is its own to change.  A step that is right all the same (the code that read the column is a
    release behind) says so: `is_safe_because = "…"` on the migration.
    """
    if getattr(migration, "is_safe_because", ""):
        return []
    made = {
        f"{migration.app_label}_{one.name_lower}"
        for one in migration.operations
        if isinstance(one, migrations.CreateModel)
    }
    return [f"{migration}: {why}" for one in migration.operations for why in _of(one, migration.app_label, made)]


def _of(operation: Operation, app: str, made: set[str]) -> Iterator[str]:
    if isinstance(operation, migrations.SeparateDatabaseAndState):
        for one in operation.database_operations:
            yield from _of(one, app, made)
    elif isinstance(operation, migrations.RunSQL):
        yield from _of_sql(operation.sql, made)
    elif table_of(operation, app) not in made:
        yield from _of_table(operation, table_of(operation, app))


def table_of(operation: Operation, app: str) -> str:
    name = getattr(operation, "model_name", "") or getattr(operation, "name", "") or getattr(operation, "old_name", "")
    return f"{app}_{str(name).lower()}"


def _of_table(operation: Operation, table: str) -> Iterator[str]:
    if type(operation) in _GOES:
        yield _GOES[type(operation)]
    if isinstance(operation, migrations.AddField) and not _has_value_for_old_rows(operation.field):
        yield "a column is added that the code of before does not fill: give it a db_default, or let it be null"
    if table not in BIG:
        return
    if isinstance(operation, migrations.AddIndex) and not isinstance(operation, AddIndexConcurrently):
        yield "an index is made without CONCURRENTLY"
    if isinstance(operation, migrations.AddConstraint):
        yield "a constraint is checked on every row at once: add it NOT VALID and validate it later"
    if isinstance(operation, migrations.AlterField):
        yield "a column of a big table is altered"


def _has_value_for_old_rows(field: models.Field) -> bool:
    return field.null or field.has_db_default() or isinstance(field, models.ManyToManyField)


def _of_sql(sql: object, made: set[str]) -> Iterator[str]:
    for statement in _statements(sql):
        named = {table for table in BIG - made if re.search(rf"\b{table}\b", statement)}
        for pattern, why in _REWRITES if named else ():
            if pattern.search(statement):
                yield f"{why} ({', '.join(sorted(named))})"


def _statements(sql: object) -> list[str]:
    """One by one; the body of a function is not run by the migration."""
    if isinstance(sql, str):
        return [part for part in re.sub(r"\$\$.*?\$\$", "", sql, flags=re.DOTALL).split(";") if part.strip()]
    return [str(part[0] if isinstance(part, (list, tuple)) else part) for part in sql]
