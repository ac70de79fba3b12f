"""Group commit: what many ask for at one moment is done in one go, and each gets an answer of its own.

A transaction costs the same for one request as for thirty.  Alone, a request is a group of one at once; while one group
is being handled the next one gathers, and where there was company a moment ago, as much of it is waited for.
"""

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from threading import Condition, Lock, Thread
from time import monotonic
from typing import Generic, TypeVar

from django.utils.translation import gettext_lazy as _

from .errors import DomainError

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")
Answer = TypeVar("Answer")

#: Nobody waits longer than this for their turn.
PATIENCE_SECONDS = 30.0
#: After company that did not come, so many groups wait for that share of the pause; then it is tried again.
WARY_GROUPS, WARY_SHARE = 10, 0.25


class NotTaken(DomainError):
    """Nobody has begun with it, and nobody will: nothing was done, and it may be asked for in another way."""

    code = "unavailable"
    message = _("That was too much at once. Try again in a moment.")
    status = 503


@dataclass(slots=True)
class _Line(Generic[Item, Answer]):
    """Who waits in one line, and the company of the next group: so many are expected, until then."""

    waiting: deque[tuple[Item, Future[Answer]]] = field(default_factory=deque)
    expected: int = 0
    until: float = 0.0
    is_in_hand: bool = False
    #: For so many groups nobody is waited for any longer than a short while: the last time it was in vain.
    wary_for: int = 0

    def is_ready(self, now: float) -> bool:
        return not self.is_in_hand and (len(self.waiting) >= self.expected or now >= self.until)

    def note_company(self) -> None:
        """The next group begins: were all there who were expected?"""
        if self.wary_for:
            self.wary_for -= 1
        elif len(self.waiting) < self.expected:
            self.wary_for = WARY_GROUPS

    def expect(self, company: int, *, pause: float) -> None:
        """Wait for so many, for `pause` seconds at most."""
        self.expected = company
        self.until = monotonic() + (pause * WARY_SHARE if self.wary_for else pause)

    def expect_nobody(self) -> None:
        self.expected, self.until = 0, 0.0


class Gatherer(Generic[Key, Item, Answer]):
    """Handles what is asked in groups, at most one group of each line at a time, in the order in which it was asked.

    `handle(key, items)` gives one answer for each item, in order; what it raises, everybody of that group gets.  After
    a group of several as many are expected again, as from a caller whose requests follow each other: the line's next group
    waits for them, for `pause_seconds` at most.  Where they do not come, the groups after it wait a quarter as long.
    Its threads, up to `threads`, come when they are needed; lines take turns with them.
    """

    def __init__(
        self,
        handle: Callable[[Key, list[Item]], Sequence[Answer]],
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
        self._may_begin = Condition(self._lock)
        #: A line is here while somebody waits in it, is being answered or is expected, in the order of their turns.
        self._lines: dict[Key, _Line[Item, Answer]] = {}
        self._is_closing = False

    def ask(self, key: Key, item: Item) -> Answer:
        """Wait for the answer to this item in the line of `key`.  Raises whatever `handle` raised for its group.

        Raises NotTaken at the end of patience, after `close`, and where there is no thread to be had.  An item that
        `handle` has begun with is waited for until it is done, so nobody is ever in doubt.
        """
        place: Future[Answer] = Future()
        with self._lock:
            if self._is_closing:
                raise NotTaken
            if key not in self._lines:
                self._make_ready()
                self._lines[key] = _Line()
            line = self._lines[key]
            line.waiting.append((item, place))
            if line.is_ready(monotonic()):
                self._may_begin.notify()
        try:
            return place.result(self._patience)
        except TimeoutError:
            if place.cancel():
                raise NotTaken from None
            return place.result()  # it is in hand, or its answer is a TimeoutError

    def close(self, leave: Callable[[], None]) -> None:
        """Answer all who wait and nobody else, then end the threads; each calls `leave` as the last it does."""
        self._leave = leave
        with self._lock:
            self._is_closing = True
            for line in self._lines.values():
                line.expect_nobody()
            self._may_begin.notify_all()
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
        while turn := self._next_turn():
            key, line, group = turn
            answer = self._handled(key, group)
            self._end_turn(key, line, len(group))  # before they are answered, and ask again
            answer()
        self._leave()

    def _next_turn(self) -> "tuple[Key, _Line[Item, Answer], list[tuple[Item, Future[Answer]]]] | None":
        """The first line that may begin, and its group; None when it is over."""
        with self._lock:
            while not (self._is_closing and not self._lines):
                now = monotonic()
                ready = next((key for key, line in self._lines.items() if line.is_ready(now)), None)
                if ready is None:
                    self._may_begin.wait(self._seconds_to_next(now))
                    continue
                line = self._lines.pop(ready)
                if not line.waiting:  # the company did not come
                    continue
                self._lines[ready] = line  # behind all others
                line.is_in_hand = True
                line.note_company()
                return ready, line, self._take(line.waiting)
            return None

    def _seconds_to_next(self, now: float) -> float | None:
        """How long nobody may begin, as far as is known; None where that is up to others."""
        return min((line.until - now for line in self._lines.values() if not line.is_in_hand), default=None)

    def _end_turn(self, key: Key, line: "_Line[Item, Answer]", size: int) -> None:
        with self._lock:
            line.is_in_hand = False
            if size > 1 and not self._is_closing:
                line.expect(min(self._most, size + len(line.waiting)), pause=self._pause)
            else:
                line.expect_nobody()
            if not line.waiting and not line.expected:
                del self._lines[key]
            self._may_begin.notify_all()

    def _take(self, queue: deque[tuple[Item, "Future[Answer]"]]) -> list[tuple[Item, "Future[Answer]"]]:
        """The first of those who still want an answer; from now on they wait until they have it."""
        group: list[tuple[Item, Future[Answer]]] = []
        while queue and len(group) < self._most:
            item, place = queue.popleft()
            if place.set_running_or_notify_cancel():
                group.append((item, place))
        return group

    def _handled(self, key: Key, group: list[tuple[Item, "Future[Answer]"]]) -> Callable[[], None]:
        """Have the group handled; what gives each its answer."""
        places = [place for _, place in group]
        try:
            answers = self._handle(key, [item for item, _ in group]) if group else []
            pairs = list(zip(places, answers, strict=True))
        except BaseException as error:
            return partial(_fail, places, error)
        return partial(_give, pairs)


def _give(pairs: list[tuple["Future[Answer]", Answer]]) -> None:
    for place, answer in pairs:
        place.set_result(answer)


def _fail(places: list["Future[Answer]"], error: BaseException) -> None:
    for place in places:
        place.set_exception(error)
