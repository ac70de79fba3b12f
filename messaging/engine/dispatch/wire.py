"""The wire journal: which messages may have left a worker process, told to a file of its own before their bytes are, and
what carriers answered, told before anybody else hears of it.

What a process hands to the operating system outlives a `kill -9`.  So when a worker died, the journal proves which of the
messages it had claimed never left: those go back to the queue.  What was answered is written down as if the worker lived,
and only what was on the wire is unknown.  The lock on the file is the process's sign of life.  After a crash of the
machine the file may lack its end; it names the boot it belongs to, and one of an earlier boot proves nothing.
"""

import fcntl
import logging
import os
import secrets
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from uuid import UUID

from django.conf import settings

from messaging.channels.types.base import NotSent, Outcome, Refused

from . import records
from .leases import end_claims_of, has_claims
from .records import Written

log = logging.getLogger(__name__)

_BOOT = Path("/proc/sys/kernel/random/boot_id")
#: A journal longer than this is emptied when nothing is in hand.
_LONG_BYTES = 4 * 1024 * 1024

_journal: "WireJournal | None" = None


class WireJournal:
    """This process's journal, locked for as long as the process lives.  Notes may come from any thread."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.path = folder / self.name
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._lock = threading.Lock()
        self._is_torn = False
        self._header = _header()
        os.write(self._file, self._header)

    def note_leaving(self, message_ids: Sequence[UUID]) -> None:
        """These are about to leave.  Raises OSError when that can't be written down: then they may not."""
        self._append(records.of_leaving(message_ids))

    def note_answers(self, outcomes: Sequence[Outcome]) -> None:
        """This is what came of them.  Raises OSError when that can't be written down: then it is in doubt if we die."""
        self._append(records.of_answers(outcomes))

    def note_returned(self, message_ids: Sequence[UUID]) -> None:
        """These are back in the queue: what was noted of them is of a try that is over."""
        self._append(records.of_returned(message_ids))

    def _append(self, written: bytes) -> None:
        """Behind a part of a record all that follows would be misread: what has no room is taken back, or nothing follows."""
        with self._lock:
            if self._is_torn:
                raise OSError("the wire journal ends in the middle of a record")
            size, self._is_torn = os.fstat(self._file).st_size, True
            has_room = os.write(self._file, written) == len(written)
            if not has_room:
                os.ftruncate(self._file, size)
            self._is_torn = False
        if not has_room:
            raise OSError("the wire journal has no room")

    def forget(self) -> None:
        """Start anew when it has grown long, unless a claim of a drain that failed is still open: it may have left."""
        if os.fstat(self._file).st_size > _LONG_BYTES and not has_claims(self.name):
            with self._lock:
                os.ftruncate(self._file, len(self._header))

    def close(self) -> None:
        """As good as dead: whoever comes next clears up what we may have left in hand."""
        os.close(self._file)


def keep_journal() -> None:
    """Begin this process's journal.  Call it in the process that will hold the lines, after forking."""
    global _journal
    _journal = WireJournal(_folder())


def close_journal() -> None:
    global _journal
    journal, _journal = _journal, None
    if journal:
        journal.close()


def worker_name() -> str:
    """Whose claims this process's are: its journal's name, if it keeps one."""
    return _journal.name if _journal else f"{socket.gethostname()}:{os.getpid()}"


def note_leaving(message_ids: Sequence[UUID]) -> None:
    """Write down that these are about to leave."""
    if _journal:
        _journal.note_leaving(message_ids)


def note_answers(outcomes: Sequence[Outcome]) -> None:
    """Write down what carriers answered, before it is acted upon."""
    if _journal:
        _journal.note_answers(outcomes)


def note_returned(outcomes: Sequence[Outcome]) -> None:
    """Once their outcomes are written down: the tries of those that wait in the queue again are over."""
    returned = [
        one.attempt_id for one in outcomes if isinstance(one, NotSent) or (isinstance(one, Refused) and one.retry)
    ]
    if _journal and returned:
        try:
            _journal.note_returned(returned)
        except OSError:  # they can't leave either while there is no room, and are in doubt at worst
            log.exception("the wire journal could not be written to", extra={"count": len(returned)})


def forget_what_left() -> None:
    if _journal:
        _journal.forget()


def give_back_of_the_dead() -> list[UUID]:
    """End the claims of processes of this machine that died; the messages that never left and are queued again.

    Twice at once is harmless: whoever has a journal's lock does it.
    """
    given_back: list[UUID] = []
    folder = _folder()
    for path in folder.iterdir() if folder.is_dir() else ():
        if _journal is None or path != _journal.path:
            try:
                given_back += _end_if_dead(path)
            except Exception:  # the others' messages wait too; this one's are seen to next time
                log.exception("a dead worker's claims could not be ended", extra={"worker": path.name})
    return given_back


def _end_if_dead(path: Path) -> list[UUID]:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:  # another was quicker
        return []
    try:
        with suppress(BlockingIOError):  # it lives
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return _end(path, file) if os.fstat(file).st_nlink else []
        return []
    finally:
        os.close(file)


def _end(path: Path, file: int) -> list[UUID]:
    ended = end_claims_of(path.name, read=partial(_proof, file))
    path.unlink(missing_ok=True)
    if any(ended):
        figures = {name: len(ids) for name, ids in ended._asdict().items()}
        log.warning("a worker died with messages in hand", extra={"worker": path.name, **figures})
    return ended.given_back


def _proof(file: int) -> Written | None:
    """What a journal proves; nothing where it is of another boot or form, or can't be read."""
    with open(file, "rb", closefd=False) as journal:
        written = journal.read()
    header = _header()
    if not header or not written.startswith(header):
        return None
    try:
        return records.read(written[len(header) :])
    except (ValueError, KeyError, TypeError):
        log.exception("a wire journal can't be read; all that its worker had in hand is unknown")
        return None


def _header() -> bytes:
    """Names the boot of the machine; empty where it has no name, and nothing is proved then."""
    try:
        return f"wire 2 {_BOOT.read_text().strip()}\n".encode()
    except OSError:
        return b""


def _folder() -> Path:
    return settings.VAR_DIR / "wire"
