"""What the launcher says to the person at the keyboard."""

import sys
import time
from contextlib import suppress


class Console:
    """Lines on standard output, each with the seconds since the start; nothing at all when quiet."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.started = time.monotonic()

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def say(self, what: str) -> None:
        self.show(f"[{self.elapsed:6.1f}s] {what}")

    def show(self, text: str) -> None:
        if self.quiet:
            return
        with suppress(OSError):  # the terminal may be gone while the house still stands
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
