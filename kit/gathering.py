"""Group commit: what many ask for at one moment is done in one go, and each gets an answer of its own.

A transaction costs the same for one request as for thirty.  Alone, a request is a group of one at once; while one group
is being handled the next one gathers, and where there was company a moment ago, it is waited for a moment longer.
"""

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier, Lock, Timer
from typing import Generic, TypeVar

Line = TypeVar("Line", bound=Hashable)
Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Gatherer(Generic[Line, Item, Answer]):
    """Handles what is asked in groups, at most one group of each line at a time, in the order in which it was asked.

    `handle(line, items)` gives one answer for each item, in order; what it raises, everybody of that group gets.  After
    a group of several the line's next one gathers for `pause_seconds`.
    """

    def __init__(
        self,
        handle: Callable[[Line, list[Item]], Sequence[Answer]],
        *,
        most: int,
        threads: int,
        name: str,
        pause_seconds: float = 0,
    ) -> None:
        self._handle = handle
        self._most = most
        self._pause = pause_seconds
        self._count = threads
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._lock = Lock()
        self._waiting: dict[Line, deque[tuple[Item, Future[Answer]]]] = {}

    def ask(self, line: Line, item: Item) -> Answer:
        """Wait for the answer to this item.  Raises whatever `handle` raised for its group."""
        place: Future[Answer] = Future()
        with self._lock:
            queue = self._waiting.get(line)
            is_first = queue is None
            if queue is None:
                queue = self._waiting[line] = deque()
            queue.append((item, place))
        if is_first:
            self._threads.submit(self._work, line)
        return place.result()

    def close(self, leave: Callable[[], None]) -> None:
        """End the threads once everybody has been answered; each calls `leave` as the last it does."""
        together = Barrier(self._count)

        def end() -> None:
            together.wait()
            leave()

        for _ in range(self._count):
            self._threads.submit(end)
        self._threads.shutdown(wait=True)

    def _work(self, line: Line) -> None:
        """Handle one group, then let the other lines have their turn."""
        with self._lock:
            queue = self._waiting[line]
            group = [queue.popleft() for _ in range(min(len(queue), self._most))]
        self._answer(line, group)
        with self._lock:
            if not self._waiting[line]:
                del self._waiting[line]
            elif len(group) > 1 and self._pause:
                Timer(self._pause, self._threads.submit, (self._work, line)).start()
            else:
                self._threads.submit(self._work, line)

    def _answer(self, line: Line, group: list[tuple[Item, "Future[Answer]"]]) -> None:
        try:
            answers = self._handle(line, [item for item, _ in group])
            pairs = list(zip(group, answers, strict=True))
        except BaseException as error:
            for _, place in group:
                place.set_exception(error)
            return
        for (_, place), answer in pairs:
            place.set_result(answer)
