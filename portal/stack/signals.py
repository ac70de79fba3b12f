"""Ctrl-C and SIGTERM as facts to look at, so that nothing is interrupted halfway."""

import os
import select
import signal
from types import FrameType, TracebackType
from typing import Self

from portal.stack.errors import StopRequested

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """While entered, counts requests to stop and offers a nap that ends as soon as any signal comes.

    The end of a child process is a signal too, so a nap never outlasts the news it waits for.
    """

    def __init__(self) -> None:
        self.requests = 0

    def __enter__(self) -> Self:
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._former_wakeup = signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        # One that is ignored on purpose (nohup, a job in the background) stays ignored.
        heard = [number for number in STOPPING if signal.getsignal(number) is not signal.SIG_IGN]
        self._former = {number: signal.signal(number, self._on_stop) for number in heard}
        self._former[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._former_wakeup)
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        self.requests += 1

    def nap(self, seconds: float) -> None:
        """Wait that long, or until a signal comes."""
        if select.select([self._wake_read], [], [], seconds)[0]:
            os.read(self._wake_read, 4096)

    def raise_if_stopping(self) -> None:
        if self.requests:
            raise StopRequested
