"""Policies ask views for what lies below or above, instead of the tree itself.

The tree has policies of its own, and PostgreSQL planned them twice for each table of each statement: on a page of a
reseller's accounts that was two thirds of all planning.  A view asks with its owner's rights, whom the tree shows
everything; what it lets through is what the tree's own policies let through in the same scope.
"""

import time

from django.db import OperationalError, migrations
from psycopg.errors import LockNotAvailable

#: Each view's name, the reach of the scopes it is for, and how a path lies to the scope's own.
WAYS = (
    {"name": "organisations_below", "reach": "below", "lies": "<@"},
    {"name": "organisations_above", "reach": "above", "lies": "@>"},
)
VIEW = """
CREATE OR REPLACE VIEW {name} AS SELECT id FROM accounts_organisation
WHERE (SELECT current_setting('app.reach', true)) = '{reach}'
    AND path {lies} (SELECT nullif(current_setting('app.path', true), '')::ltree);
REVOKE ALL ON {name} FROM signalbox_web, signalbox_engine;
GRANT SELECT ON {name} TO signalbox_web
"""
#: As PostgreSQL writes down what `kit.tenancy.migrations` has asked for.
IN_THE_TREE = (
    r"\(\( SELECT current_setting\('app\.reach'::text, true\) AS current_setting\) = '{reach}'::text\)"
    r" AND \(EXISTS \( SELECT 1\s+FROM accounts_organisation o\s+WHERE \(\(o\.id = (\w+\.\w+)\) AND \(o\.path {lies} \( SELECT"
    r" \(NULLIF\(current_setting\('app\.path'::text, true\), ''::text\)\)::ltree AS \"nullif\"\)\)\)\)\)"
)
NOW_THE_TREE = (
    r"(SELECT current_setting('app.reach', true)) = '{reach}' AND EXISTS (SELECT 1 FROM accounts_organisation o"
    r" WHERE o.id = \1 AND o.path {lies} (SELECT nullif(current_setting('app.path', true), '')::ltree))"
)
IN_THE_VIEW = r"EXISTS \( SELECT 1\s+FROM {name} o\s+WHERE \(o\.id = (\w+\.\w+)\)\)"
NOW_THE_VIEW = r"EXISTS (SELECT 1 FROM {name} o WHERE o.id = \1)"

CHANGED = """
SELECT format('ALTER POLICY %%I ON %%I', policyname, tablename)
    || coalesce(' USING (' || regexp_replace(qual, %(was)s, %(now)s, 'g') || ')', '')
    || coalesce(' WITH CHECK (' || regexp_replace(with_check, %(was)s, %(now)s, 'g') || ')', '')
FROM pg_policies WHERE qual ~ %(was)s OR with_check ~ %(was)s ORDER BY tablename, policyname
"""
#: Behind whoever a change waits for, everybody else waits.  After a second PostgreSQL ends a vacuum that is in the way.
MOST_WAITING, TRIES, PAUSE_SECONDS = "1500ms", 60, 1.0
LEFT = (
    "SELECT tablename, policyname FROM pg_policies"
    " WHERE policyname LIKE 'web_%' AND concat(qual, with_check) ~ 'FROM accounts_organisation'"
)


def ask_the_views(apps, schema_editor) -> None:
    for way in WAYS:
        change(schema_editor.connection, was=IN_THE_TREE.format(**way), now=NOW_THE_VIEW.format(**way))
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(LEFT)
        if left := cursor.fetchall():
            raise RuntimeError(f"these policies are not written as was expected: {left}")


def ask_the_tree(apps, schema_editor) -> None:
    for way in WAYS:
        change(schema_editor.connection, was=IN_THE_VIEW.format(**way), now=NOW_THE_TREE.format(**way))


def change(connection, *, was: str, now: str) -> None:
    """One policy after the other: each locks its table for a moment.  Whoever is interrupted goes on with those that are left."""
    with connection.cursor() as cursor:
        cursor.execute(CHANGED, {"was": was, "now": now})
        statements = [statement for (statement,) in cursor.fetchall()]
        cursor.execute(f"SET lock_timeout = '{MOST_WAITING}'")
        for statement in statements:
            insist(cursor, statement)
        cursor.execute("RESET lock_timeout")


def insist(cursor, statement: str) -> None:
    for tries_left in reversed(range(TRIES)):
        try:
            cursor.execute(statement)
            return
        except OperationalError as error:
            if not tries_left or not isinstance(error.__cause__, LockNotAvailable):
                raise
            time.sleep(PAUSE_SECONDS)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("accounts", "0004_texts_have_a_deadline"),
        ("agents", "0004_sums"),
        ("campaigns", "0003_minutes"),
        ("channels", "0005_window"),
        ("content", "0003_keep_what_was_reviewed"),
        ("engine", "0009_failures_of_a_campaign"),
        ("hooks", "0003_breaks_secrets_and_replays"),
        ("ledger", "0002_walls"),
        ("operations", "0003_breakers_are_counted"),
        ("packages", "0003_note_what_lapsed_and_was_checked"),
        ("payments", "0002_walls"),
        ("pricing", "0003_parts_make_the_price"),
        ("recipients", "0002_walls"),
        ("traffic", "0001_sums"),
    ]

    operations = [
        *(migrations.RunSQL(VIEW.format(**way), f"DROP VIEW IF EXISTS {way['name']}") for way in WAYS),
        migrations.RunPython(ask_the_views, ask_the_tree),
    ]
