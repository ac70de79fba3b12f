"""The embedded PostgreSQL: a cluster of its own behind a private socket, passwords always asked for."""

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psycopg

from portal.stack.binaries import postgres_folder
from portal.stack.errors import StackError
from portal.stack.keyring import Keyring, in_url, write_private
from portal.stack.layout import Layout
from portal.stack.processes import Spec, Stage

ADMIN = "postgres"
DATABASE = "signalbox"

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "192MB",
    "max_connections": "100",
    "max_wal_size": "2GB",
    "synchronous_commit": "on",
    "jit": "off",
    "shared_preload_libraries": "pg_stat_statements",
    "log_min_duration_statement": "1000",
    "log_parameter_max_length": "0",  # values of slow statements are customers' data
    "timezone": "UTC",
    "log_timezone": "UTC",
}

#: For data that is made anew by each run: nothing is forced to disk.
FLEETING = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "128MB"}


class Postgres:
    """The server of one layout.  Its user is the layout's identity, its superuser's password is in the keyring."""

    def __init__(self, layout: Layout, keyring: Keyring, *, settings: Mapping[str, str] = SETTINGS) -> None:
        self.layout = layout
        self.keyring = keyring
        self.settings = settings
        self.programs = postgres_folder(layout)

    @property
    def admin_dsn(self) -> str:
        return self.url(ADMIN, self.keyring.password("postgres-admin"), database="postgres")

    def url(self, login: str, password: str, *, database: str = DATABASE) -> str:
        return f"postgres://{login}:{in_url(password)}@{in_url(str(self.layout.postgres_socket))}/{database}"

    def prepare(self) -> None:
        """Make the cluster if there is none, and clear away what a killed server left behind."""
        version = self.layout.pgdata / "PG_VERSION"
        if version.exists():
            self._refuse_other_version(version.read_text().strip())
        else:
            self._initialise()
        self._remove_stale_lock()

    def spec(self) -> Spec:
        settings = {**self.settings, "unix_socket_directories": str(self.layout.postgres_socket)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return Spec(
            name="postgres",
            argv=(self.programs / "postgres", "-D", self.layout.pgdata, *options),
            environment=plain_environment(),
            folder=Path("/"),
            stage=Stage.STORES,
            identity=self.layout.identity,
            stop_signal=signal.SIGINT,  # "fast": ends sessions, keeps everything committed
            force_signal=signal.SIGQUIT,  # "immediate": the next start replays the log
            grace_seconds=60,
        )

    def is_ready(self) -> bool:
        try:
            psycopg.connect(self.admin_dsn, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _initialise(self) -> None:
        password_file = self.layout.run / "initdb-password"
        write_private(password_file, self.keyring.password("postgres-admin"))
        self.layout.identity.own(password_file)
        try:
            self._run_initdb(password_file)
        finally:
            password_file.unlink()

    def _run_initdb(self, password_file: Path) -> None:
        made = subprocess.run(
            [
                self.programs / "initdb",
                *("-D", self.layout.pgdata, "-U", ADMIN, "--pwfile", password_file, "--auth=scram-sha-256"),
                *("--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *("--data-checksums", "--no-instructions"),
                *(["--no-sync"] if self.settings.get("fsync") == "off" else []),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=plain_environment(),
            check=False,
            start_new_session=True,
            **self.layout.identity.popen_options(),
        )
        (self.layout.log / "initdb.log").write_bytes(made.stdout)
        if made.returncode:
            reason = made.stdout.decode(errors="replace").strip().splitlines()[-1:] or ["it gave no reason"]
            raise StackError(f"PostgreSQL's data folder could not be made: {reason[0]}")

    def _refuse_other_version(self, found: str) -> None:
        answer = subprocess.run([self.programs / "postgres", "--version"], capture_output=True, text=True, check=False)
        if f" {found}." not in answer.stdout:
            raise StackError(
                f"{self.layout.pgdata} was made by PostgreSQL {found}, and installed is {answer.stdout.strip()}: "
                "move the data over with pg_dump, or start afresh with bin/up --reset."
            )

    def _remove_stale_lock(self) -> None:
        """Remove a lock file whose process is not this cluster's server; its number may be someone else's by now."""
        lock = self.layout.pgdata / "postmaster.pid"
        if lock.exists() and not is_serving(self.layout.pgdata, lock.read_text().partition("\n")[0]):
            lock.unlink()


def is_serving(pgdata: Path, pid: str) -> bool:
    with suppress(OSError):
        return os.readlink(f"/proc/{int(pid)}/cwd") == str(pgdata)
    return False


def plain_environment() -> dict[str, str]:
    """What PostgreSQL gets to see: none of our secrets, and no PG* variable that would redirect it."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
