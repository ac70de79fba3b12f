"""A backup of everything the house can't be made again from: the database as it is while it works, uploads, and the keys.

<to>/2026-11-22T21-00-00Z/
    base/            the whole cluster, with the log it needs to be consistent, and PostgreSQL's manifest of checksums
    uploads/         recipient files
    secret/          the keys: without them sealed columns can't be read.  0700, its files 0600
    backup.json      when, of what, and how much there was
"""

import json
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connection

from portal.stack.errors import StackError
from portal.stack.keyring import write_private

from .postgres_tools import backup_url, run_tool

NOTE = "backup.json"


@dataclass(frozen=True)
class Backup:
    """What is written down beside a backup.  `accepted`: messages by the figures when it began; it holds at least these."""

    taken_at: str
    database: str
    accepted: int
    migrations: int


def take_backup(*, to: Path) -> Path:
    """Copy the house as it works into a new folder in `to`, and say where.  A folder without backup.json is unfinished."""
    url, now = backup_url(), datetime.now(UTC)
    folder = to / now.strftime("%Y-%m-%dT%H-%M-%SZ")
    _make_private(to), _make_private(folder, is_new=True)
    found = _look(url, now)
    run_tool(
        "pg_basebackup", "--pgdata", folder / "base", "--wal-method=stream", "--checkpoint=fast", "--no-password", url=url
    )  # fmt: skip
    run_tool("pg_verifybackup", folder / "base")
    _copy_private(settings.VAR_DIR / "uploads", folder / "uploads")
    _copy_private(settings.VAR_DIR / "secret", folder / "secret")
    write_private(folder / NOTE, json.dumps(asdict(found), indent=1))
    return folder


def read_note(folder: Path) -> Backup:
    """Raises StackError for a folder that is no finished backup."""
    try:
        return Backup(**json.loads((folder / NOTE).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise StackError(f"{folder} is no finished backup: it has no {NOTE} that can be read.") from error


def newest_in(folder: Path) -> Path:
    """The folder itself when it is a backup, else the newest finished backup in it."""
    if (folder / NOTE).exists():
        return folder
    found = sorted(path.parent for path in folder.glob(f"*/{NOTE}"))
    if not found:
        raise StackError(f"There is no finished backup in {folder}.")
    return found[-1]


def _look(url: str, now: datetime) -> Backup:
    database = connection.settings_dict["NAME"]
    with psycopg.connect(url, dbname=database, connect_timeout=10) as asked:
        (accepted,) = asked.execute(
            "SELECT coalesce(sum(messages), 0)::bigint FROM engine_trafficcount WHERE status = 20"
        ).fetchone()
        (migrations,) = asked.execute("SELECT count(*) FROM django_migrations").fetchone()
    return Backup(now.isoformat(), database, accepted, migrations)


def _make_private(folder: Path, *, is_new: bool = False) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=not is_new)


def _copy_private(source: Path, target: Path) -> None:
    _make_private(target)
    if source.exists():
        shutil.copytree(source, target, dirs_exist_ok=True)
    for path in [target, *target.rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)
