"""A hot standby of the tests' own cluster, made and run as an operator would."""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from portal.operations.postgres_tools import backup_url, run_tool
from portal.stack.identity import server_identity
from portal.stack.keyring import Keyring
from portal.stack.layout import Layout
from portal.stack.postgres import FLEETING, SETTINGS, Postgres
from portal.stack.processes import Part

READY_SECONDS = 60


@dataclass
class Standby:
    """A running copy that follows the primary."""

    layout: Layout
    server: Part

    @property
    def socket(self) -> str:
        return str(self.layout.postgres_socket)

    def ask(self, statement: str) -> tuple:
        """Ask it as its superuser: the primary's, whose password it has too."""
        with psycopg.connect(backup_url(), host=self.socket, autocommit=True, connect_timeout=2) as admin:
            return admin.execute(statement).fetchone()

    def catch_up(self) -> None:
        """Return when it has replayed all that the primary has committed by now."""
        with psycopg.connect(backup_url(), autocommit=True) as primary:
            (reached,) = primary.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()
        wait_until(lambda: self.ask(f"SELECT pg_last_wal_replay_lsn() >= '{reached}'::pg_lsn")[0])

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """It hears of what the primary does, and shows none of it."""
        self.catch_up()
        self.ask("SELECT pg_wal_replay_pause()")
        wait_until(lambda: self.ask("SELECT pg_get_wal_replay_pause_state()")[0] == "paused")
        try:
            yield
        finally:
            self.ask("SELECT pg_wal_replay_resume()")
            self.catch_up()


@contextmanager
def running_standby() -> Iterator[Standby]:
    """A standby in a folder of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="signalbox-standby-", ignore_cleanup_errors=True) as temporary:
        Path(temporary).chmod(0o711)
        layout = Layout(var=Path(temporary) / "var", identity=server_identity())
        layout.make()
        run_tool(
            "pg_basebackup", "--pgdata", layout.pgdata, "--wal-method=stream", "--checkpoint=fast", "--no-sync",
            "--write-recovery-conf", "--no-password", url=backup_url(),
        )  # fmt: skip
        for path in [layout.pgdata, *layout.pgdata.rglob("*")]:
            layout.identity.own(path)
        layout.pgdata.chmod(0o700)
        settings = {**SETTINGS, **FLEETING, "hot_standby_feedback": "on"}
        server = Part(Postgres(layout, Keyring(layout.secret), settings=settings).spec(), layout.log)
        with serving(layout, server) as standby:
            yield standby


@contextmanager
def serving(layout: Layout, server: Part) -> Iterator[Standby]:
    standby = Standby(layout, server)
    server.start()
    try:
        wait_until(lambda: is_following(standby))
        yield standby
    finally:
        server.ask_to_stop()
        server.process.wait(timeout=60)


def is_following(standby: Standby) -> bool:
    assert standby.server.exit_code() is None, standby.server.last_words()
    with suppress(psycopg.OperationalError):
        return standby.ask("SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'")[0] == 1
    return False


def wait_until(is_true: Callable[[], bool]) -> None:
    until, pause = time.monotonic() + READY_SECONDS, threading.Event()
    while not is_true():
        assert time.monotonic() < until
        pause.wait(0.05)
