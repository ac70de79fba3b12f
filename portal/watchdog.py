"""A worker process that stands still although there is work for it gives up loudly, so that another takes its place.

Each process of a worker's pool has a watchdog thread.  It looks for signs of life (`kit.pulse`), and only when there
have been none for a while it asks whether there is work: what is ripe on a line this process holds and nobody waits for, or
rings that wait in the queue.  A database or broker that is away, a line that is down, paused or waiting for its carrier are
no reason to give up, because another process could do no better.

Two ways of standing still, two ways out.  A task that claims nothing more is ended with its process, which the worker
replaces.  A process that is given no task while rings wait has a worker that has stopped listening: that one is ended, and
its supervisor starts another.
"""

import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from multiprocessing import RawArray
from time import monotonic

from celery import Celery, signals
from django.db import Error, connection

from kit import pulse
from portal.queues import CLAIMING, DISPATCH

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 15.0
LOOK_SECONDS = 1.0
#: Asking whether there is work costs something, so a moment's quiet is no reason for it.
CALM_SECONDS = 5.0
#: Who gives up again within this time waits twice as long as before: the reason was not the process.
STORM_SECONDS = 600.0
LONGEST_PATIENCE_SECONDS = 240.0
GAVE_UP = os.EX_SOFTWARE


class Quiet:
    """How long nothing has got done while there was work.

    Time is counted look by look, so that a process that was frozen for a while does not take its own sleep for idleness.
    """

    def __init__(self, *, signs: Callable[[], object], is_there_work: Callable[[], bool]) -> None:
        self._signs, self._is_there_work = signs, is_there_work
        self._last_signs: object = None
        self.seconds = 0.0

    def look(self, *, passed: float) -> float:
        """Seconds of standing still by now.  `passed` is the time since the look before."""
        signs = self._signs()
        if signs != self._last_signs:
            self._last_signs, self.seconds = signs, 0.0
            return self.seconds
        self.seconds += min(passed, 2 * LOOK_SECONDS)
        if self.seconds > CALM_SECONDS and not self._is_there_work():
            self.seconds = CALM_SECONDS
        return self.seconds


class History:
    """What the processes of one worker know of each other.  Shared memory: made before the worker forks."""

    def __init__(self) -> None:
        self._gave_up = RawArray("d", [0.0, 0.0])  # when last, and how often in a row
        self._closing = RawArray("b", [0])

    def patience(self, *, now: float) -> float:
        """15 s; twice as long after each time a process gave up lately."""
        return min(LONGEST_PATIENCE_SECONDS, PATIENCE_SECONDS * 2 ** self._lately(now))

    def note_giving_up(self, *, now: float) -> None:
        self._gave_up[:] = [now, self._lately(now) + 1]

    def note_closing(self) -> None:
        """The worker was asked to stop: from here on it rightly gives nobody a task."""
        self._closing[0] = 1

    @property
    def is_closing(self) -> bool:
        return bool(self._closing[0])

    def _lately(self, now: float) -> float:
        last, in_a_row = self._gave_up
        return in_a_row if last and now - last < STORM_SECONDS else 0


class Watchdog(threading.Thread):
    """Watches the process it runs in; see the module."""

    def __init__(self, app: Celery, *, queues: frozenset[str], history: History) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._app, self._queues, self._history = app, queues, history
        self._stopped = threading.Event()
        self._task: str | None = None
        self._begun = 0

    def run(self) -> None:
        quiet = Quiet(signs=self.signs, is_there_work=self.is_there_work)
        before = monotonic()
        while not self._stopped.wait(LOOK_SECONDS):
            now = monotonic()
            try:
                seconds = quiet.look(passed=now - before)
            except Exception:
                log.exception("the watchdog could not look")
            else:
                if seconds >= self._history.patience(now=now):
                    self.give_up(seconds)
            before = now
        connection.close()

    def stop(self) -> None:
        self._stopped.set()

    def begin(self, task: str) -> None:
        self._task, self._begun = task, self._begun + 1

    def end(self) -> None:
        self._task = None

    def signs(self) -> object:
        """Changes when something got done.  Where channels are drained only what is handed over counts."""
        if DISPATCH in self._queues:
            return pulse.hand_overs()
        return self._task, self._begun, pulse.commits()

    def is_there_work(self) -> bool:
        """Whether this process could get something done and does not; no when that can't be told."""
        if self._task is None:
            return not self._history.is_closing and self.is_database_there() and self.is_ripe() and self.do_rings_wait()
        if self._task not in CLAIMING:
            return False  # it may rightly take long over one thing, and has a time limit
        return self.is_ripe() if DISPATCH in self._queues else self.is_database_there() and self.do_rings_wait()

    def is_ripe(self) -> bool:
        """Whether a line of ours has something to send.  Other queues know their work by its rings."""
        from messaging.channels.runtime import idle_channels
        from messaging.engine.waiting import ripe_for

        if DISPATCH not in self._queues:
            return True
        try:
            return bool(ripe_for(PATIENCE_SECONDS, channel_ids=idle_channels()))
        except Error:
            connection.close()
            return False

    def is_database_there(self) -> bool:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except Error:
            connection.close()
            return False
        return True

    def do_rings_wait(self) -> bool:
        """Whether tasks wait at the broker; no when it is away, whatever its client calls that."""
        try:
            with self._app.connection_for_write() as broker:
                channel = broker.default_channel
                return any(channel.queue_declare(queue=queue, passive=True).message_count for queue in self._queues)
        except Exception as error:
            log.info("the broker could not be asked", extra={"why": type(error).__name__})
            return False

    def give_up(self, seconds: float) -> None:
        """End this process, or its worker when that gives it nothing to do, and say why."""
        facts = {"task": self._task or "none", "seconds": round(seconds), "queues": sorted(self._queues)}
        log.critical("nothing is claimed though there is work: giving up", extra=facts)
        sys.stderr.write(where_it_stands())
        sys.stderr.flush()
        self._history.note_giving_up(now=monotonic())
        if self._task is None:
            os.kill(os.getppid(), signal.SIGKILL)
        os._exit(GAVE_UP)


def where_it_stands() -> str:
    """The main thread's stack: what the process was doing when it did nothing."""
    frame = sys._current_frames()[threading.main_thread().ident]
    return "".join(traceback.format_stack(frame))


class Kennel:
    """The watchdog of each process of a worker, from the worker's start to its end."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._queues: frozenset[str] = frozenset()
        self._history: History | None = None
        self._watchdog: Watchdog | None = None
        signals.worker_init.connect(self.prepare)
        signals.task_prerun.connect(self.begin)
        signals.task_postrun.connect(self.end)
        signals.worker_shutting_down.connect(self.close)
        signals.worker_process_shutdown.connect(self.call_back)

    def prepare(self, sender, **kwargs) -> None:
        self._queues = frozenset(sender.app.amqp.queues.consume_from)
        self._history = History()
        # only now, so that no thread runs yet when Celery has a new process drop what it inherited
        signals.worker_process_init.connect(self.let_out)

    def let_out(self, **kwargs) -> None:
        self._watchdog = Watchdog(self._app, queues=self._queues, history=self._history)
        self._watchdog.start()

    def begin(self, task, **kwargs) -> None:
        if self._watchdog:
            self._watchdog.begin(task.name)

    def end(self, **kwargs) -> None:
        if self._watchdog:
            self._watchdog.end()

    def close(self, **kwargs) -> None:
        if self._history:
            self._history.note_closing()

    def call_back(self, **kwargs) -> None:
        if self._watchdog:
            self._watchdog.stop()
