"""The restore drill: a backup is worth what its last restore was.  Restores into a cluster of its own, off to the side."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
from django.conf import settings

from portal.stack.errors import StackError
from portal.stack.identity import server_identity
from portal.stack.keyring import Keyring
from portal.stack.layout import Layout
from portal.stack.postgres import Postgres
from portal.stack.processes import Part

from .backup import Backup, read_note

#: Recovery may have hours of log to go through.
PATIENCE_SECONDS = 3600
SERVER = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "hot_standby": "off",
    "shared_preload_libraries": "",
    "archive_mode": "off",
    "shared_buffers": "128MB",
    "fsync": "off",  # what comes of a drill is thrown away
    "timezone": "UTC",
}
# Only who passes the socket's folder gets as far as this, and a drill has no passwords to know.
TRUST = "local all all trust\n"


@dataclass(frozen=True)
class Verdict:
    """How a drill went.  `accepted` was so many when the backup was taken, `restored` is what came back."""

    seconds_to_restore: float
    seconds_to_check: float
    accepted: int
    restored: int
    given_up: int
    would_leave: int
    problems: list[str]

    @property
    def is_good(self) -> bool:
        return not self.problems and not self.would_leave and self.restored >= self.accepted

    def __str__(self) -> str:
        return (
            f"{'GOOD' if self.is_good else 'BAD'}: restored in {self.seconds_to_restore:.1f} s, checked in "
            f"{self.seconds_to_check:.1f} s; {self.restored} messages (at least {self.accepted} expected), "
            f"{self.given_up} unknown, {self.would_leave} would be sent again, {len(self.problems)} invariants broken"
        )


def run_drill(*, backup: Path, scratch: Path, wal: Path | None = None, until: datetime | None = None) -> Verdict:
    """Restore the backup in `scratch`, which must be new, make it fit to open, and judge it.

    With `wal`, what was archived after the backup is applied too, up to `until`.  Touches nothing of the working house.
    """
    note = read_note(backup)
    began = time.monotonic()
    layout = _lay_out(backup, scratch)
    _tell_to_recover(layout, wal, until)
    with _serving(layout):
        restored = time.monotonic()
        found = _make_fit(layout, note)
    return Verdict(
        seconds_to_restore=restored - began,
        seconds_to_check=time.monotonic() - restored,
        accepted=note.accepted,
        restored=found["accepted"],
        given_up=found["in_hand"] + found["queued"],
        would_leave=found["ripe"],
        problems=found["problems"],
    )


def _lay_out(backup: Path, scratch: Path) -> Layout:
    layout = Layout(var=scratch, identity=server_identity())
    layout.make()
    shutil.copytree(backup / "base", layout.pgdata, dirs_exist_ok=True, symlinks=True)
    for path in [layout.pgdata, *layout.pgdata.rglob("*")]:
        layout.identity.own(path)
    layout.pgdata.chmod(0o700)
    (layout.pgdata / "postmaster.pid").unlink(missing_ok=True)
    return layout


def _tell_to_recover(layout: Layout, wal: Path | None, until: datetime | None) -> None:
    """Our own rules for who may come in, and, where there is an archive, how far to go."""
    _write(layout, "pg_hba.conf", TRUST)
    _write(layout, "pg_ident.conf", "")
    lines = []
    if wal is not None:
        archive = _copy_of(wal, layout)
        lines.append(f'restore_command = \'cp "{archive}/%f" "%p" || cp "{archive}/%f.partial" "%p"\'')
        lines.append("recovery_target_action = 'promote'")
        lines += [f"recovery_target_time = '{until.isoformat()}'"] if until else []
        _write(layout, "recovery.signal", "")
    _write(layout, "postgresql.conf", "\n".join(lines) + "\n")
    _write(layout, "postgresql.auto.conf", "")


def _copy_of(wal: Path, layout: Layout) -> Path:
    """The archive where the server's user can read it."""
    archive = layout.pgdata.parent / "archive"
    shutil.copytree(wal, archive)
    for path in [archive, *archive.iterdir()]:
        layout.identity.own(path)
    return archive


def _write(layout: Layout, name: str, text: str) -> None:
    path = layout.pgdata / name
    path.write_text(text)
    path.chmod(0o600)
    layout.identity.own(path)


@contextmanager
def _serving(layout: Layout) -> Iterator[None]:
    server = Part(Postgres(layout, Keyring(layout.secret), settings=SERVER).spec(), layout.log)
    server.start()
    try:
        _wait_until_ready(server, layout)
        yield
    finally:
        server.ask_to_stop()
        with suppress(subprocess.TimeoutExpired):
            server.process.wait(timeout=60)
        server.kill()


def _wait_until_ready(server: Part, layout: Layout) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if server.exit_code() is not None:
            raise StackError(f"The restored server did not start: {server.last_words()}")
        with suppress(psycopg.OperationalError):
            psycopg.connect(_url(layout, "postgres", "postgres"), connect_timeout=2).close()
            return
        time.sleep(0.1)
    raise StackError("The restored server was not ready within an hour.")


def _url(layout: Layout, login: str, database: str) -> str:
    return f"host={layout.postgres_socket} user={login} dbname={database}"


def _make_fit(layout: Layout, note: Backup) -> Mapping[str, object]:
    """`manage.py after_restore` on the restored database, as it would be run in earnest."""
    environment = {
        **os.environ,
        "SIGNALBOX_VAR": str(layout.var),
        "PROMETHEUS_MULTIPROC_DIR": str(layout.run / "metrics"),
        "DATABASE_URL": _in_url(layout, note.database),
        "CELERY_BROKER_URL": "memory://",
        "CACHE_URL": "redis://127.0.0.1:1/0",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "after_restore", "--json"],
        cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise StackError(
            f"The restored database could not be checked: {done.stderr.strip().splitlines()[-1:]}"
        ) from error


def _in_url(layout: Layout, database: str) -> str:
    from portal.stack.database import WORKER
    from portal.stack.keyring import in_url

    return f"postgres://{WORKER}@{in_url(str(layout.postgres_socket))}/{database}"
