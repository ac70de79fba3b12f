"""Real threads, each with a database connection of its own, let go at one moment."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection


def race(attempt: Callable[[int], Any], *, threads: int = 16) -> list[Any]:
    """Run `attempt(number)` on all threads at once; what each came back with.  An exception in one fails the race."""
    start, results, trouble = threading.Barrier(threads), [], []

    def run(number: int) -> None:
        try:
            connection.ensure_connection()
            start.wait(30)
            results.append(attempt(number))
        except Exception as error:
            trouble.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if trouble:
        raise ExceptionGroup("the race went wrong", trouble)
    return results


def race_often(attempt: Callable[[int, int], Any], *, threads: int = 16, tries: int = 5) -> int:
    """Run `attempt(thread, try)` so many times on all threads at once; how many came back true."""
    return sum(race(lambda number: sum(1 for turn in range(tries) if attempt(number, turn)), threads=threads))


def without(statement: str, guard: str, instead: str = "") -> str:
    """A statement with its guard taken out, for the test that shows what the guard was good for."""
    assert guard in statement
    return statement.replace(guard, instead)
