"""The database's own locks: who may become whom, and history nobody rewrites."""

from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from kit.sql import rows
from portal.stack.database import OWNER, PORTAL, WORKER
from portal.stack.keyring import Keyring

pytestmark = pytest.mark.django_db
WEB, ENGINE = "signalbox_web", "signalbox_engine"

#: Tables whose rows are only ever added.
HISTORY = {
    "accounts_auditentry",
    "agents_commissionentry",
    "engine_settlement",
    "ledger_transfer",
    "packages_allowanceuse",
    "pricing_quote",
}


def signed_in(login):
    """A session of one of the two narrow logins, as its process has it."""
    known = connection.settings_dict
    password = Keyring(Path(settings.VAR_DIR) / "secret").password(f"postgres-{login}")
    return psycopg.connect(
        host=known["HOST"],
        port=known["PORT"] or 5432,
        dbname=known["NAME"],
        user=login,
        password=password,
        autocommit=True,
    )


def test_the_webs_login_is_the_web_and_cannot_become_the_engine_or_the_owner():
    with signed_in(PORTAL) as session:
        for role in (ENGINE, OWNER, WORKER):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(f"SET ROLE {role}")
        session.execute(f"SET ROLE {WEB}")


def test_the_webs_login_sees_no_tenants_rows_without_a_scope():
    with signed_in(PORTAL) as session:
        for table in ("engine_message", "ledger_account", "ledger_transfer"):
            assert session.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("SELECT * FROM engine_carrierreference")


def test_the_workers_login_may_become_either_and_is_nothing_by_itself():
    with signed_in(WORKER) as session:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("SELECT * FROM engine_message")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(f"SET ROLE {OWNER}")
        for role in (WEB, ENGINE):
            session.execute(f"SET ROLE {role}")
            session.execute("SELECT * FROM engine_message")


@pytest.mark.parametrize("login", [PORTAL, WORKER])
def test_neither_login_makes_or_changes_tables(login):
    with signed_in(login) as session:
        for statement in ("CREATE TABLE loot (id int)", "ALTER TABLE engine_message DISABLE ROW LEVEL SECURITY",
                          "DROP TABLE ledger_transfer"):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(statement)


def test_history_is_what_it_should_be():
    guarded = rows("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '%%append_only'")

    assert {table for (table,) in guarded} == HISTORY


@pytest.mark.parametrize("table", sorted(HISTORY))
@pytest.mark.parametrize("role", [WEB, ENGINE, OWNER])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}"])
def test_history_is_only_added_to(table, role, statement):
    connection.ensure_connection()
    with connection.connection.cursor() as cursor:
        cursor.execute("SAVEPOINT before")
        cursor.execute(f"SET LOCAL ROLE {role}")
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.FeatureNotSupported)):
            cursor.execute(statement.format(table))
        cursor.execute("ROLLBACK TO SAVEPOINT before")
