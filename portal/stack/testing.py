"""`bin/test` and `bin/run`: a PostgreSQL and a Valkey of their own around one command."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from portal.stack.chromium import find_chromium
from portal.stack.console import Console
from portal.stack.environment import surroundings
from portal.stack.errors import StackError
from portal.stack.keyring import Keyring
from portal.stack.layout import HOUSE, Layout, layout_from, take_lock
from portal.stack.signals import Signals
from portal.stack.statefile import StateFile
from portal.stack.stores import External, Stores
from portal.stack.supervisor import Supervisor
from portal.stack.survivors import clear_survivors

MOST_AT_ONCE = 50


def test(arguments: list[str], environment: Mapping[str, str] = os.environ) -> int:
    """Run pytest; its closing line is the last thing shown and its exit code is returned."""
    console = Console()
    chromium = find_chromium(console)
    whole_suite = ["-n", "2"]
    return run_with_services(
        [sys.executable, "-m", "pytest", *(arguments or whole_suite)], environment, {"SIGNALBOX_CHROMIUM": chromium}
    )


def run_with_services(
    command: list[str], environment: Mapping[str, str] = os.environ, extra: Mapping[str, str] | None = None
) -> int:
    """Run a command on test servers of its own and return its exit code.  Servers named outside are not used."""
    layout, lock = free_layout(environment)
    with lock, Signals() as signals:
        state = StateFile(layout.run / "stack.json")
        clear_survivors(state, console=Console(), signals=signals)
        layout.make()
        supervisor = Supervisor(
            console=Console(quiet=True), signals=signals, log_folder=layout.log, on_change=state.write
        )
        try:
            keyring = Keyring(layout.secret)
            endpoints = Stores(layout, keyring, External(), fleeting=True).start(supervisor)
            around = surroundings(
                layout,
                keyring,
                endpoints,
                environment=environment,
                settings_module="portal.settings.test",
                extra=extra or {},
            )
            return run_in_foreground(command, around.whole("owner"), signals)
        finally:
            supervisor.stop()
            state.remove()


def free_layout(environment: Mapping[str, str]) -> tuple[Layout, TextIO]:
    """A folder for test servers that no other run is using, and the lock that keeps it so."""
    root = environment.get("SIGNALBOX_TEST_VAR")
    base = layout_from(environment)
    folder = Path(root).absolute() if root else base.var / "test"
    for number in range(1, MOST_AT_ONCE + 1):
        layout = replace(base, var=folder / str(number))
        try:
            return layout, take_lock(layout)
        except StackError:
            if not layout.var.exists():
                raise
    raise StackError(f"{MOST_AT_ONCE} test runs are using {folder} already: wait for one to end.")


def run_in_foreground(command: list[str], environment: Mapping[str, str], signals: Signals) -> int:
    """Run a command on this terminal; Ctrl-C reaches it from the terminal itself, SIGTERM is passed on."""
    try:
        running = subprocess.Popen(command, env=dict(environment), cwd=HOUSE)
    except OSError as error:
        raise StackError(f"{command[0]} cannot be run: {error.strerror}.") from error
    told = 0
    while running.poll() is None:
        signals.nap(1)
        if signals.requests > told:
            told = signals.requests
            running.terminate()
    return running.returncode if running.returncode >= 0 else 128 - running.returncode
