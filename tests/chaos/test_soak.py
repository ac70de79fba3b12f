"""What bin/soak would call bad.  Its short form is `tests/never_wrong/test_overload.py`."""

import os
from types import SimpleNamespace

import pytest

from tests.chaos.callers import Answers, Callers
from tests.chaos.growth import HOUR, Looks, growth_an_hour, own_memory

MEGABYTE = 1024 * 1024


def memory(*, begins_at, grows_by, hours, samples=600):
    """Looks at a part that grows evenly by that share of where it begins."""
    step = hours * HOUR / samples
    return [(step * n, begins_at * (1 + grows_by * n / samples)) for n in range(samples + 1)]


@pytest.mark.parametrize(
    ("_case", "hours", "grows_by", "is_bad"),
    [
        ("as it was", 4, 0.0, False),
        ("settles", 4, 0.15, False),
        ("leaks", 4, 0.30, True),
        ("leaks in minutes", 0.2, 0.10, True),
        ("breathes for minutes", 0.2, 0.03, False),
        ("warms up", 0.1, 0.10, False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_part_that_grows_is_named(_case, hours, grows_by, is_bad):
    looks = Looks(dict, lambda: 0)
    looks.memory["web"] = memory(begins_at=100 * MEGABYTE, grows_by=grows_by, hours=hours)

    assert any("web grows" in problem for problem in looks.problems(most_waiting=0)) is is_bad


def test_growth_is_told_by_the_hour():
    assert growth_an_hour(memory(begins_at=100, grows_by=0.4, hours=4)) == pytest.approx(0.1, rel=0.1)


def test_a_queue_without_bounds_is_named():
    looks = Looks(dict, lambda: 0)
    looks.waiting = [10, 5_000, 20]

    assert looks.problems(most_waiting=3_000) == ["5000 messages waited at a time, more than 3000"]


def test_a_process_of_our_own_is_measured():
    assert own_memory(os.getpid()) > MEGABYTE


class Connection:
    """One that answers as told."""

    def __init__(self, status, headers):
        self.answer = SimpleNamespace(status=status, headers=headers, read=lambda: b'{"messages": []}')

    def request(self, *arguments):
        """Nothing goes anywhere."""

    def getresponse(self):
        return self.answer


@pytest.mark.parametrize(
    ("_case", "status", "headers", "problems"),
    [
        ("accepted", 202, {}, []),
        ("turned away", 429, {"Retry-After": "1"}, []),
        ("turned away for nobody knows how long", 429, {}, ["1 answers said later without Retry-After"]),
        ("unavailable", 503, {"Retry-After": "2"}, []),
        ("a bug", 500, {}, ["1 answers were 500"]),
        ("refused", 422, {}, ["1 answers were 422"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_callers_may_be_told(_case, status, headers, problems):
    callers = Callers(0, [], messages=1)
    callers.answers = Answers()

    callers._is_answered(Connection(status, headers), "{}", {})

    assert callers.answers.problems == problems
