"""The database and the broker of this house: embedded ones, or those the environment names."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import psycopg

from portal.stack import postgres as postgres_settings
from portal.stack import valkey as valkey_settings
from portal.stack.database import OWNER, PORTAL, WORKER, first_line, prepare_database, prepare_external
from portal.stack.errors import StackError
from portal.stack.keyring import Keyring, in_url
from portal.stack.layout import Layout
from portal.stack.postgres import Postgres
from portal.stack.supervisor import Supervisor
from portal.stack.valkey import Valkey

#: Replaying the log after a crash may take minutes; nobody should lose data to impatience.
POSTGRES_PATIENCE_SECONDS = 600
VALKEY_PATIENCE_SECONDS = 300


@dataclass(frozen=True)
class Endpoints:
    """Where the processes connect to: one database address for each kind of process, the broker, the cache."""

    owner: str
    web: str
    worker: str
    broker: str
    cache: str


@dataclass(frozen=True)
class External:
    """What the environment says about servers that are not ours to start."""

    owner: str = ""
    web: str = ""
    worker: str = ""
    broker: str = ""
    cache: str = ""

    @property
    def has_database(self) -> bool:
        return bool(self.owner)

    @property
    def has_logins(self) -> bool:
        return bool(self.web)

    @property
    def needs_valkey(self) -> bool:
        return not (self.broker and self.cache)


def external_from(environment: Mapping[str, str]) -> External:
    """Read the addresses of external servers.  Raises StackError for a combination that cannot work."""
    found = External(
        owner=environment.get("DATABASE_URL", ""),
        web=environment.get("DATABASE_WEB_URL", ""),
        worker=environment.get("DATABASE_WORKER_URL", ""),
        broker=environment.get("CELERY_BROKER_URL", ""),
        cache=environment.get("CACHE_URL", ""),
    )
    if bool(found.web) != bool(found.worker):
        raise StackError("DATABASE_WEB_URL and DATABASE_WORKER_URL go together: set both or neither.")
    if found.web and not found.owner:
        raise StackError("DATABASE_WEB_URL is set but DATABASE_URL, the owner's login for migrations, is not.")
    if found.has_database and not urlsplit(found.owner).scheme.startswith("postgres"):
        raise StackError("DATABASE_URL must be a postgres:// address: Signalbox runs on PostgreSQL 18 or newer.")
    return found


class Stores:
    """PostgreSQL and Valkey of one layout, each started here unless it is external."""

    def __init__(self, layout: Layout, keyring: Keyring, external: External, *, fleeting: bool = False) -> None:
        self.external = external
        self.fleeting = fleeting
        self.passwords = {login: keyring.password(f"postgres-{login}") for login in (OWNER, PORTAL, WORKER)}
        self.postgres = (
            None if external.has_database else Postgres(layout, keyring, settings=database_settings(fleeting))
        )
        self.valkey = Valkey(layout, keyring, settings=cache_settings(fleeting)) if external.needs_valkey else None

    @property
    def embedded(self) -> list[Postgres | Valkey]:
        return [server for server in (self.postgres, self.valkey) if server]

    def start(self, supervisor: Supervisor) -> Endpoints:
        """Start what is embedded, side by side; when this returns, every login works."""
        for server in self.embedded:
            server.prepare()
            supervisor.start(server.spec())
        if self.valkey:
            supervisor.wait_until("Valkey", self.valkey.is_ready, seconds=VALKEY_PATIENCE_SECONDS)
        if self.postgres:
            supervisor.wait_until("PostgreSQL", self.postgres.is_ready, seconds=POSTGRES_PATIENCE_SECONDS)
            prepare_database(self.postgres.admin_dsn, passwords=self.passwords, for_tests=self.fleeting)
        elif not self.external.has_logins:
            prepare_external(self.external.owner, passwords=self.passwords)
        endpoints = self._endpoints()
        if not self.postgres:
            refuse_wrong_logins(endpoints)
        return endpoints

    def _endpoints(self) -> Endpoints:
        external = self.external
        return Endpoints(
            owner=self._database_url(OWNER, external.owner),
            web=self._database_url(PORTAL, external.web),
            worker=self._database_url(WORKER, external.worker),
            broker=external.broker or self.valkey.broker_url,
            cache=external.cache or self.valkey.cache_url,
        )

    def _database_url(self, login: str, given: str) -> str:
        if given:
            return given
        if self.postgres:
            return self.postgres.url(login, self.passwords[login])
        return with_login(self.external.owner, login, self.passwords[login])


def database_settings(fleeting: bool) -> dict[str, str]:
    return {**postgres_settings.SETTINGS, **(postgres_settings.FLEETING if fleeting else {})}


def cache_settings(fleeting: bool) -> dict[str, str]:
    return {**valkey_settings.SETTINGS, **(valkey_settings.FLEETING if fleeting else {})}


def with_login(url: str, login: str, password: str) -> str:
    """The same server and database, for somebody else."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{in_url(login)}:{in_url(password)}@{place}"))


def refuse_wrong_logins(endpoints: Endpoints) -> None:
    """Try the narrow logins of an external server now, where the reason can still be told in a sentence."""
    for name, url in (("DATABASE_WEB_URL", endpoints.web), ("DATABASE_WORKER_URL", endpoints.worker)):
        try:
            psycopg.connect(url, connect_timeout=10).close()
        except psycopg.OperationalError as error:
            raise StackError(
                f"PostgreSQL refuses the login '{urlsplit(url).username}' ({first_line(error)}): "
                f"set {name} to one that works."
            ) from error
