"""Where the embedded default keeps its state: everything under one folder, `var/` unless SIGNALBOX_VAR says else."""

import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from portal.stack.errors import StackError
from portal.stack.identity import Identity, server_identity

HOUSE = Path(__file__).resolve().parent.parent.parent

#: A Unix socket's path must fit in 107 bytes (sun_path); this is the longest name we put in a socket folder.
LONGEST_SOCKET_PATH = 107
LONGEST_SOCKET_NAME = "postgres/.s.PGSQL.5432"

MARK = ".signalbox"
#: What `--reset` leaves alone: the lock it holds, the mark it trusts, and the test servers.
KEPT_AT_RESET = {"lock", MARK, "test"}


@dataclass(frozen=True)
class Layout:
    """The folders of one installation (or of one test stack) and who owns which."""

    var: Path
    identity: Identity

    @property
    def secret(self) -> Path:
        return self.var / "secret"

    @property
    def run(self) -> Path:
        return self.var / "run"

    @property
    def log(self) -> Path:
        return self.var / "log"

    @property
    def pgdata(self) -> Path:
        return self.var / "pgdata"

    @property
    def valkey(self) -> Path:
        return self.var / "valkey"

    @property
    def servers(self) -> Path:
        return self.var / "servers"

    @property
    def sockets(self) -> Path:
        """Where the sockets are: in `run`, or, where that path is too long for a socket, in a folder under /tmp."""
        if fits_a_socket(self.run):
            return self.run
        name = hashlib.sha256(os.fsencode(self.var)).hexdigest()[:12]
        return Path("/tmp") / f"signalbox-{os.geteuid()}-{name}"  # noqa: S108  made 0700 or 0711 and checked for its owner

    @property
    def postgres_socket(self) -> Path:
        return self.sockets / "postgres"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey" / "valkey.sock"

    @property
    def passage(self) -> int:
        """The mode of a folder that leads to others.

        As root the servers are another user and must pass through; the rest of the world finds closed doors inside.
        """
        return 0o711 if self.identity.is_other else 0o700

    def make(self) -> None:
        """Make the folders with the least access that works.  Raises StackError for one that cannot be had."""
        try:
            self.var.mkdir(mode=self.passage, parents=True, exist_ok=True)
            self._mark()
            for folder, mode in ((self.run, self.passage), (self.secret, 0o700), (self.log, 0o700)):
                make_folder(folder, mode)
            make_folder(self.sockets, self.passage)
            for folder in (self.pgdata, self.valkey, self.postgres_socket, self.valkey_socket.parent):
                make_folder(folder, 0o700, owner=self.identity)
        except OSError as error:
            raise StackError(
                f"{error.filename} cannot be used ({error.strerror}): give this user the folder, "
                "or name another with SIGNALBOX_VAR=/path/to/folder."
            ) from error
        self._refuse_unreachable()

    def _mark(self) -> None:
        """Mark the folder as ours to wipe; a folder with other people's things in it never becomes that."""
        mark = self.var / MARK
        if not mark.exists() and self.var != HOUSE / "var" and strangers_in(self.var):
            raise StackError(f"{self.var} holds other things: name an empty or a new folder with SIGNALBOX_VAR.")
        mark.touch()

    def _refuse_unreachable(self) -> None:
        for folder in (self.pgdata, self.postgres_socket):
            if self.identity.is_other and not self.identity.can_reach(folder):
                raise StackError(
                    f"As root the servers run as '{self.identity.name}', who may not enter {self.var}: "
                    "start with SIGNALBOX_VAR=/var/lib/signalbox, or as an ordinary user."
                )


def layout_from(environment: Mapping[str, str]) -> Layout:
    """The layout the environment asks for."""
    var = Path(environment.get("SIGNALBOX_VAR") or HOUSE / "var")
    return Layout(var=var.expanduser().absolute(), identity=server_identity())


def fits_a_socket(folder: Path) -> bool:
    return len(os.fsencode(folder / LONGEST_SOCKET_NAME)) <= LONGEST_SOCKET_PATH


def make_folder(folder: Path, mode: int, *, owner: Identity | None = None) -> None:
    """Make `folder` with exactly this mode; refuse one that somebody else put there."""
    folder.mkdir(mode=mode, exist_ok=True)
    found = folder.lstat()
    allowed = {os.geteuid(), owner.uid if owner and owner.is_other else os.geteuid()}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in allowed:
        raise StackError(
            f"{folder} belongs to somebody else: start as the user who made it, or name another folder with SIGNALBOX_VAR."
        )
    if owner:
        owner.own(folder)
    folder.chmod(mode)


def take_lock(layout: Layout) -> TextIO:
    """Be the only launcher on this folder for as long as the returned file is open."""
    try:
        layout.var.mkdir(mode=layout.passage, parents=True, exist_ok=True)
        lock = (layout.var / "lock").open("a")
    except OSError as error:
        raise StackError(
            f"{layout.var} cannot be used ({error.strerror}): give this user the folder, "
            "or name another with SIGNALBOX_VAR=/path/to/folder."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise StackError(
            f"Signalbox is already running on {layout.var}: stop it with Ctrl-C in its terminal first."
        ) from error
    return lock


def wipe(layout: Layout) -> list[Path]:
    """Delete everything the installation knows, and name what went.  The caller holds the lock."""
    doomed = strangers_in(layout.var)
    if doomed and not (layout.var / MARK).exists():
        raise StackError(f"{layout.var} was not made by Signalbox, so --reset does not delete it.")
    for path in doomed:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return doomed


def strangers_in(var: Path) -> list[Path]:
    """What is in the folder besides our own lock, mark and test servers."""
    return sorted(path for path in var.iterdir() if path.name not in KEPT_AT_RESET)
