"""Starts parts in order, keeps them alive, stops them in the opposite order."""

import time
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

from portal.stack.console import Console
from portal.stack.errors import StackError
from portal.stack.processes import Part, Spec
from portal.stack.signals import Signals

#: A part that lived this long was well: its next failure counts as the first.
HEALTHY_SECONDS = 30.0
LONGEST_DELAY_SECONDS = 30.0


def restart_delay(failures: int) -> float:
    """Seconds to wait before the restart after so many failures in a row: half a second, doubling, at most 30."""
    return min(LONGEST_DELAY_SECONDS, 0.5 * 2 ** min(failures - 1, 10))


class Watch:
    """One part and what is known of its failures."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.failures = 0
        self.due_at: float | None = None

    def tend(self, console: Console) -> bool:
        """Notice the end of the part, or start it again when that is due.  True when it was started."""
        now = time.monotonic()
        if self.due_at is None:
            code = self.part.exit_code()
            if code is not None:
                self._plan_restart(code, now, console)
            return False
        if now < self.due_at:
            return False
        self.due_at = None
        self.part.start()
        console.say(f"{self.part.name} started again (pid {self.part.pid})")
        return True

    def _plan_restart(self, code: int, now: float, console: Console) -> None:
        self.failures = 1 if now - self.part.started_at > HEALTHY_SECONDS else self.failures + 1
        delay = restart_delay(self.failures)
        self.due_at = now + delay
        console.say(f"{self.part.name} ended ({how_it_ended(code)}); starting it again in {delay:g} s")


class Supervisor:
    """The parts of a running house.

    `on_change` is called after each start, with every part's present process, so that others can be told.
    """

    def __init__(
        self, *, console: Console, signals: Signals, log_folder: Path, on_change: Callable[[list[Part]], None]
    ) -> None:
        self.console = console
        self.signals = signals
        self.log_folder = log_folder
        self.on_change = on_change
        self.watches: list[Watch] = []

    @property
    def parts(self) -> list[Part]:
        return [watch.part for watch in self.watches]

    def start(self, spec: Spec) -> Part:
        part = Part(spec, self.log_folder)
        part.start()
        self.watches.append(Watch(part))
        self.on_change(self.parts)
        return part

    def wait_until(self, what: str, is_true: Callable[[], bool], *, seconds: float) -> None:
        """Wait until a thing is so.

        Raises StackError when a part dies meanwhile or the time is over, StopRequested when asked to stop.
        """
        deadline = time.monotonic() + seconds
        while not is_true():
            self.signals.raise_if_stopping()
            self._refuse_dead_parts()
            if time.monotonic() > deadline:
                raise StackError(f"{what} was not ready after {seconds:g} s; {self.log_folder} holds the logs.")
            self.signals.nap(0.05)

    def _refuse_dead_parts(self) -> None:
        for part in self.parts:
            code = part.exit_code()
            if code is not None:
                raise StackError(
                    f"{part.name} ended while starting ({how_it_ended(code)}), its last words in {part.log}: "
                    f"{part.last_words()}"
                )

    def run_steps(self, specs: list[Spec]) -> None:
        """Run commands side by side to their end.  Raises StackError for the first that fails."""
        steps = [Part(spec, self.log_folder) for spec in specs]
        try:
            for step in steps:
                step.start()
            self.wait_until(
                " and ".join(step.name for step in steps),
                lambda: all(step.exit_code() is not None for step in steps),
                seconds=600,
            )
        finally:
            for step in steps:
                step.kill()
        for step in steps:
            if step.exit_code():
                raise StackError(f"{step.name} failed, its last words in {step.log}: {step.last_words()}")

    def keep_alive(self) -> None:
        """Restart what dies until somebody asks to stop.  One part's end never ends the launcher."""
        while not self.signals.requests:
            restarted = [watch for watch in self.watches if self._tend(watch)]
            if restarted:
                self.on_change(self.parts)
            self.signals.nap(0.2)

    def _tend(self, watch: Watch) -> bool:
        try:
            return watch.tend(self.console)
        except StackError as error:
            self.console.say(str(error))
            watch.failures += 1
            watch.due_at = time.monotonic() + restart_delay(watch.failures)
            return False

    def stop(self) -> None:
        """Stop every part, highest stage first.  A second request to stop meanwhile forces what is left."""
        in_order = sorted(self.parts, key=lambda part: -part.spec.stage)
        for _stage, parts in groupby(in_order, key=lambda part: part.spec.stage):
            self._stop_together(list(parts))

    def _stop_together(self, parts: list[Part]) -> None:
        for part in parts:
            part.ask_to_stop()
        deadlines = {part.name: time.monotonic() + part.spec.grace_seconds for part in parts}
        forced: set[str] = set()
        while alive := [part for part in parts if part.process and part.exit_code() is None]:
            for part in alive:
                self._hasten(part, deadlines[part.name], forced, hurried=self.signals.requests > 1)
            self.signals.nap(0.05)

    def _hasten(self, part: Part, deadline: float, forced: set[str], *, hurried: bool) -> None:
        late = time.monotonic() - deadline
        if (hurried or late > 0) and part.name not in forced:
            forced.add(part.name)
            self.console.say(f"{part.name} is being ended by force")
            part.force()
        if late > part.spec.grace_seconds:
            part.kill()


def how_it_ended(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
