"""The database's roles: who owns the tables, who may only see one organisation, who runs the engine.

Rights on tables hang on two group roles, `signalbox_web` and `signalbox_engine`, and are given by migrations.  Logins
are members of the groups:

* the owner's login makes and changes tables;
* the portal's login is the web role: it neither owns tables nor passes row-level security;
* the worker's login is nothing by itself and becomes one role or the other for each transaction.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

from portal.stack.errors import StackError

OWNER, PORTAL, WORKER = "signalbox_owner", "signalbox_portal", "signalbox_worker"
WEB_GROUP, ENGINE_GROUP = "signalbox_web", "signalbox_engine"
DATABASE = "signalbox"
EXTENSIONS = ("ltree", "pg_stat_statements")

#: Two migrations or launchers at once take turns under this number.
LOCK = 7_446_258


@dataclass(frozen=True)
class Membership:
    """`login` belongs to `group`: at once when it inherits, else after SET ROLE."""

    group: str
    login: str
    inherits: bool


MEMBERSHIPS = (
    Membership(WEB_GROUP, PORTAL, inherits=True),
    Membership(WEB_GROUP, WORKER, inherits=False),
    Membership(ENGINE_GROUP, WORKER, inherits=False),
)
#: Tests run as the owner and step into either role to see what it sees.
TEST_MEMBERSHIPS = (
    Membership(WEB_GROUP, OWNER, inherits=False),
    Membership(ENGINE_GROUP, OWNER, inherits=False),
)


def prepare_database(admin_dsn: str, *, passwords: Mapping[str, str], for_tests: bool = False) -> None:
    """Make roles, database and extensions as a superuser.  Again changes nothing but passwords that differ.

    `passwords` has one for each of the three logins.
    """
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s)", [LOCK])
        make_groups(connection)
        for login in (OWNER, PORTAL, WORKER):
            make_login(connection, login)
            set_password(connection, login, passwords[login])
        set_create_database(connection, allowed=for_tests)
        grant_memberships(connection, MEMBERSHIPS + (TEST_MEMBERSHIPS if for_tests else ()))
        make_database(connection)
    with psycopg.connect(admin_dsn, dbname=DATABASE, autocommit=True) as connection:
        for extension in EXTENSIONS:
            connection.execute(sql.SQL("create extension if not exists {}").format(sql.Identifier(extension)))


def prepare_external(owner_dsn: str, *, passwords: Mapping[str, str]) -> None:
    """Make the groups and the two narrow logins in somebody else's server, through the owner's own login.

    An existing login's password is never changed: another machine may be using it.
    Raises StackError when the owner's login may not create roles.
    """
    try:
        with psycopg.connect(owner_dsn, autocommit=True, connect_timeout=10) as connection:
            connection.execute("select pg_advisory_lock(%s)", [LOCK])
            make_groups(connection)
            for login in (PORTAL, WORKER):
                if make_login(connection, login):
                    set_password(connection, login, passwords[login])
            grant_memberships(connection, MEMBERSHIPS)
    except psycopg.errors.InsufficientPrivilege as error:
        raise StackError(
            "The login of DATABASE_URL may not create roles: give it CREATEROLE, "
            "or make the logins yourself and set DATABASE_WEB_URL and DATABASE_WORKER_URL."
        ) from error
    except psycopg.OperationalError as error:
        raise StackError(f"PostgreSQL at DATABASE_URL cannot be reached: {first_line(error)}") from error


def make_groups(connection: psycopg.Connection) -> None:
    for group in (WEB_GROUP, ENGINE_GROUP):
        if not role_exists(connection, group):
            connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(group)))


def make_login(connection: psycopg.Connection, login: str) -> bool:
    """Make a login without any special right.  True when it was not there yet."""
    if role_exists(connection, login):
        return False
    connection.execute(sql.SQL("create role {} login").format(sql.Identifier(login)))
    return True


def role_exists(connection: psycopg.Connection, name: str) -> bool:
    return connection.execute("select 1 from pg_roles where rolname = %s", [name]).fetchone() is not None


def set_password(connection: psycopg.Connection, login: str, password: str) -> None:
    """Set a password hashed on this side, so that it appears in no log of the server."""
    hashed = connection.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode()
    connection.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(login), sql.Literal(hashed)))


def set_create_database(connection: psycopg.Connection, *, allowed: bool) -> None:
    right = sql.SQL("createdb" if allowed else "nocreatedb")
    connection.execute(sql.SQL("alter role {} {}").format(sql.Identifier(OWNER), right))


def grant_memberships(connection: psycopg.Connection, memberships: Iterable[Membership]) -> None:
    for membership in memberships:
        connection.execute(
            sql.SQL("grant {} to {} with inherit {}, set true").format(
                sql.Identifier(membership.group),
                sql.Identifier(membership.login),
                sql.SQL("true" if membership.inherits else "false"),
            )
        )


def make_database(connection: psycopg.Connection) -> None:
    if not connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone():
        connection.execute(
            sql.SQL("create database {} owner {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
        )


def first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
