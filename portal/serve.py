"""The web's processes: granian, changed for new ones without turning anybody away.

    python -m portal.serve <what `python -m granian` takes>

On SIGHUP granian starts a new process and, a fixed time later, stops the old one; each listens on a socket of its own, and
what waits in the old one's queue is lost with it.  Here all processes share one socket, the old process goes on until the
new one has loaded the application, and if that fails it stays.

A connection that is kept open belongs to one process.  Were it closed while its caller is about to ask again, the caller
could not know whether the question was heard.  So a process that is to go first says with each answer that it is the
connection's last, and takes no new one: who has connected to it a moment ago has as long to ask.  Only then it closes those
that are idle, finishes what it has, and ends.
"""

import logging
import multiprocessing
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from granian import cli
from granian.server import MPServer
from granian.server.mp import WorkerProcess

log = logging.getLogger("granian")

#: A new process has so long to load the application, on a machine that is busy with its old ones.
LOADING_SECONDS = 120.0
LOOK_SECONDS = 0.1
#: An old process has so long to take leave of whoever keeps a connection to it and asks now and then.
LEAVING_SECONDS = 3.0
#: And then so long to finish the requests it has: a long report, a slow upload.
FINISHING_SECONDS = 60.0
#: Tells a process to take leave.
LEAVE = signal.SIGUSR1

StartResponse = Callable[..., Any]


class Polite:
    """The application, which can be told to take no new connection and to make each answer the last on its own."""

    def __init__(self, application: Callable[[dict[str, Any], StartResponse], Iterable[bytes]]) -> None:
        self._application = application
        self._is_leaving = False

    def leave(self, *signalled: Any) -> None:
        self._is_leaving = True
        stop_accepting()

    def __call__(self, wsgi: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        return self._application(wsgi, _last(start_response) if self._is_leaving else start_response)


def _last(start_response: StartResponse) -> StartResponse:
    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        return start_response(status, [*headers, ("Connection", "close")], *rest)

    return start


def stop_accepting() -> None:
    """This process takes no more connections; those that share its listening socket go on taking them.

    Granian offers no way to, and closing the socket or shutting it down would do it to all.  So the socket is taken from
    what the process's event loop looks at: proc_pid_fdinfo(5) tells which that is, epoll_ctl(2) takes it out.
    """
    for looking, listening in _listened_to():
        with select.epoll.fromfd(os.dup(looking)) as epoll:
            epoll.unregister(listening)


def _listened_to() -> Iterator[tuple[int, int]]:
    """An epoll instance of this process and a listening socket that it looks at, as file descriptors."""
    for entry in list(Path("/proc/self/fd").iterdir()):
        if not os.path.lexists(entry) or os.readlink(entry) != "anon_inode:[eventpoll]":
            continue
        for line in Path("/proc/self/fdinfo", entry.name).read_text().splitlines():
            if line.startswith("tfd:") and _is_listening(watched := int(line.split()[1])):
                yield int(entry.name), watched


def _is_listening(descriptor: int) -> bool:
    try:
        with socket.socket(fileno=os.dup(descriptor)) as one:
            return bool(one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:  # no socket, or closed meanwhile
        return False


class Loader:
    """Loads the application in a new process, and says when that is done.  Told to stop before that, it stops."""

    def __init__(self, load: Callable[..., Any]) -> None:
        self.load = load
        self.is_done = multiprocessing.Event()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # so far it has its parent's, which would only take note
        application = Polite(self.load(*args, **kwargs))
        signal.signal(LEAVE, application.leave)
        self.is_done.set()
        return application


class Server(MPServer):
    """Granian's own, but for the socket and for how its processes are replaced."""

    def _init_shared_socket(self) -> None:
        super()._init_shared_socket()
        if self._ssp is not None:  # Linux: each process would make a socket of its own from this
            self._shd, self._ssp = self._ssp.build(), None
            self._sfd = self._shd.get_fd()

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Callable[..., Any]) -> WorkerProcess:
        loader = Loader(callback_loader)
        worker = super()._spawn_worker(idx=idx, target=target, callback_loader=loader)
        worker.loader = loader
        return worker

    def _respawn_workers(self, workers: list[int], spawn_target: Any, target_loader: Any, delay: float = 0) -> None:
        for place in workers:
            self.respawned_wrks[place] = time.monotonic()
            old = self.wrks[place]
            new = self._started(place, spawn_target, target_loader, instead_of=old)
            if new is not None:
                self.wrks[place] = new
                self._retire(old)
        self._metrics.incr_spawn(len(workers))

    def _started(
        self, place: int, spawn_target: Any, target_loader: Any, *, instead_of: WorkerProcess
    ) -> WorkerProcess | None:
        """A new process that has loaded the application; None when it could not and the old one still serves."""
        new = self._spawn_worker(idx=place, target=spawn_target, callback_loader=target_loader)
        loader = new.loader
        new.interrupt_by_parent = True  # until it serves, its end is nobody's loss
        new.start()
        until = time.monotonic() + LOADING_SECONDS
        while new.is_alive() and time.monotonic() < until and not loader.is_done.wait(LOOK_SECONDS):
            pass
        if not loader.is_done.is_set() and instead_of.is_alive():
            log.error(f"worker-{place + 1} could not be replaced: the new process did not load the application")
            new.kill()
            new.join()
            return None
        new.interrupt_by_parent = False
        return new

    def _retire(self, old: WorkerProcess) -> None:
        """Let it take leave and finish the requests it has."""
        if not has_ended(old):
            os.kill(old.inner.pid, LEAVE)
            self._wait_for(old, LEAVING_SECONDS)
            old.terminate()
            self._wait_for(old, max(FINISHING_SECONDS, self.workers_kill_timeout or 0))
        if not has_ended(old, within=(self.workers_kill_timeout or 0) if self.interrupt_signal else 0):
            log.warning(f"worker-{old.idx + 1} was ended with requests in hand")
            old.kill()
        old.join()

    def _wait_for(self, old: WorkerProcess, seconds: float) -> None:
        """Until it has ended, but no longer than that, and not when all are to end."""
        until = time.monotonic() + seconds
        while not self.interrupt_signal and time.monotonic() < until and not has_ended(old, within=LOOK_SECONDS):
            pass


def has_ended(worker: WorkerProcess, *, within: float = 0) -> bool:
    """Whether its process is gone.

    Not asked of the process object: granian waits for the process in a thread of its own, and whoever comes second is told
    that it is alive.
    """
    return bool(wait([worker.inner.sentinel], timeout=within))


def main() -> None:
    cli.Server = Server
    cli.entrypoint()


if __name__ == "__main__":
    main()
