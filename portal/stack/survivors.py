"""What a killed launcher left running.  Two servers on one data folder would spoil it, so they end first."""

import os
import signal
import time
from contextlib import suppress

from portal.stack.console import Console
from portal.stack.signals import Signals
from portal.stack.statefile import StateFile

PATIENCE_SECONDS = 40


def clear_survivors(state: StateFile, *, console: Console, signals: Signals) -> None:
    """Wait until the processes of a killed launcher, which the kernel told to stop, are gone; end what stays."""
    survivors = state.survivors()
    if survivors:
        console.say("waiting for what a killed launcher left: " + ", ".join(sorted(survivors)))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while state.survivors() and time.monotonic() < deadline:
        signals.raise_if_stopping()
        signals.nap(0.1)
    for pid in state.survivors().values():
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    state.remove()
