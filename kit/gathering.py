"""Group commit: what many ask for at one moment is done in one go, and each gets an answer of its own.

A transaction costs the same for one request as for thirty.  Alone, a request is a group of one at once; while one group
is being handled the next one gathers, and where there was company a moment ago, it is waited for a moment longer.
"""

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Condition, Event, Lock, Thread
from time import monotonic
from typing import Generic, TypeVar

from django.utils.translation import gettext_lazy as _

from .errors import DomainError

Line = TypeVar("Line", bound=Hashable)
Item = TypeVar("Item")
Answer = TypeVar("Answer")

#: Nobody waits longer than this for their turn.
PATIENCE_SECONDS = 30.0


class NotTaken(DomainError):
    """Nobody has begun with it, and nobody will: nothing was done, and it may be asked for in another way."""

    code = "unavailable"
    message = _("That was too much at once. Try again in a moment.")
    status = 503


class Gatherer(Generic[Line, Item, Answer]):
    """Handles what is asked in groups, at most one group of each line at a time, in the order in which it was asked.

    `handle(line, items)` gives one answer for each item, in order; what it raises, everybody of that group gets.  After
    a group of several the line's next one gathers for `pause_seconds`.  Its threads, up to `threads`, come when they are
    needed; lines take turns with them.
    """

    def __init__(
        self,
        handle: Callable[[Line, list[Item]], Sequence[Answer]],
        *,
        most: int,
        threads: int,
        name: str,
        pause_seconds: float = 0,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._handle = handle
        self._most = most
        self._pause = pause_seconds
        self._patience = patience_seconds
        self._most_threads = threads
        self._name = name
        self._threads: list[Thread] = []
        self._lock = Lock()
        self._nobody_waits = Condition(self._lock)
        #: A line that somebody waits in or is being answered in is here, and has exactly one turn.
        self._waiting: dict[Line, deque[tuple[Item, Future[Answer]]]] = {}
        #: Lines in the order of their turns, and from when on; None sends a thread home.
        self._turns: SimpleQueue[tuple[Line, float] | None] = SimpleQueue()
        self._closing = Event()

    def ask(self, line: Line, item: Item) -> Answer:
        """Wait for the answer to this item.  Raises whatever `handle` raised for its group.

        Raises NotTaken at the end of patience, after `close`, and where there is no thread to be had.  An item that
        `handle` has begun with is waited for until it is done, so nobody is ever in doubt.
        """
        place: Future[Answer] = Future()
        with self._lock:
            if self._closing.is_set():
                raise NotTaken
            if line not in self._waiting:
                self._make_ready()
                self._waiting[line] = deque()
                self._turns.put((line, 0))
            self._waiting[line].append((item, place))
        try:
            return place.result(self._patience)
        except TimeoutError:
            if place.cancel():
                raise NotTaken from None
            return place.result()  # it is in hand, or its answer is a TimeoutError

    def close(self, leave: Callable[[], None]) -> None:
        """Answer all who wait and nobody else, then end the threads; each calls `leave` as the last it does."""
        self._closing.set()
        with self._lock:
            self._nobody_waits.wait_for(lambda: not self._waiting)
        self._leave = leave
        for _thread in self._threads:
            self._turns.put(None)
        for thread in self._threads:
            thread.join()

    def _make_ready(self) -> None:
        """One thread more, up to the most there may be.  Raises NotTaken when there is none at all."""
        if len(self._threads) == self._most_threads:
            return
        thread = Thread(target=self._serve, name=f"{self._name}-{len(self._threads)}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the system has no more of them
            if not self._threads:
                raise NotTaken from error
        else:
            self._threads.append(thread)

    def _serve(self) -> None:
        while turn := self._turns.get():
            line, begins_at = turn
            if (pause := begins_at - monotonic()) > 0:
                self._closing.wait(pause)
            self._work(line)
        self._leave()

    def _work(self, line: Line) -> None:
        """Handle one group, then let the other lines have their turn."""
        with self._lock:
            group = self._take(self._waiting[line])
        self._answer(line, group)
        with self._lock:
            if self._waiting[line]:
                self._turns.put((line, monotonic() + self._pause if len(group) > 1 else 0))
                return
            del self._waiting[line]
            if not self._waiting:
                self._nobody_waits.notify_all()

    def _take(self, queue: deque[tuple[Item, "Future[Answer]"]]) -> list[tuple[Item, "Future[Answer]"]]:
        """The first of those who still want an answer; from now on they wait until they have it."""
        group: list[tuple[Item, Future[Answer]]] = []
        while queue and len(group) < self._most:
            item, place = queue.popleft()
            if place.set_running_or_notify_cancel():
                group.append((item, place))
        return group

    def _answer(self, line: Line, group: list[tuple[Item, "Future[Answer]"]]) -> None:
        if not group:
            return
        try:
            answers = self._handle(line, [item for item, _ in group])
            pairs = list(zip(group, answers, strict=True))
        except BaseException as error:
            for _, place in group:
                place.set_exception(error)
            return
        for (_, place), answer in pairs:
            place.set_result(answer)
