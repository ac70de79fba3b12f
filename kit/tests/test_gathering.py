"""What many ask for at one moment is done in one go, and each gets an answer of its own."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from kit.gathering import Gatherer

PATIENCE = 10


class Handler:
    """Doubles numbers; its first group waits until it is told to go on."""

    def __init__(self) -> None:
        self.groups: list[tuple[str, list[int]]] = []
        self.has_begun, self.may_end = Event(), Event()

    def __call__(self, line, items):
        self.groups.append((line, items))
        self.has_begun.set()
        assert self.may_end.wait(PATIENCE)
        if 13 in items:
            raise ValueError("thirteen")
        return [2 * item for item in items]


@pytest.fixture
def handler():
    return Handler()


@pytest.fixture
def made():
    made = []
    yield made
    for gatherer in made:
        gatherer.close(lambda: None)


def ask_while_busy(made, handler, asked, *, most=100, threads=1):
    """The answers (or what was raised) to one question first and to the others while it is being handled."""
    gatherer = Gatherer(handler, most=most, threads=threads, name="test")
    made.append(gatherer)
    with ThreadPoolExecutor(len(asked)) as people:
        answers = [people.submit(gatherer.ask, *asked[0])]
        assert handler.has_begun.wait(PATIENCE)
        for place, question in enumerate(asked[1:], start=1):
            answers.append(people.submit(gatherer.ask, *question))
            wait_for_waiting(gatherer, place)
        handler.may_end.set()
        return [answer.exception(PATIENCE) or answer.result() for answer in answers]


def wait_for_waiting(gatherer, count):
    ticks = Event()
    for _ in range(PATIENCE * 1000):
        if sum(len(queue) for queue in gatherer._waiting.values()) == count:
            return
        ticks.wait(0.001)
    raise AssertionError("nobody waits")


def test_who_is_alone_is_a_group_of_one_at_once(made, handler):
    assert ask_while_busy(made, handler, [("a", 1)]) == [2]
    assert handler.groups == [("a", [1])]


def test_those_who_come_meanwhile_go_together_in_their_order(made, handler):
    assert ask_while_busy(made, handler, [("a", n) for n in (1, 5, 3, 4)]) == [2, 10, 6, 8]
    assert handler.groups == [("a", [1]), ("a", [5, 3, 4])]


def test_a_group_is_no_larger_than_it_may_be(made, handler):
    ask_while_busy(made, handler, [("a", n) for n in range(6)], most=2)

    assert [items for _, items in handler.groups] == [[0], [1, 2], [3, 4], [5]]


def test_lines_never_mix_and_take_turns(made, handler):
    asked = [("a", 0), ("a", 1), ("a", 2), ("b", 3), ("a", 4)]

    assert ask_while_busy(made, handler, asked, most=1) == [0, 2, 4, 6, 8]
    assert handler.groups.index(("b", [3])) < handler.groups.index(("a", [2]))


def test_what_goes_wrong_is_everybodys_of_that_group_and_nobody_elses(made, handler):
    first, *others, last = ask_while_busy(made, handler, [("a", 1), ("a", 13), ("a", 3), ("b", 5)], threads=1)

    assert (first, last) == (2, 10)
    assert [str(error) for error in others] == ["thirteen", "thirteen"]


def test_an_answer_missing_is_a_mistake_told_to_all(made, handler):
    handler.may_end.set()
    gatherer = Gatherer(lambda line, items: [], most=5, threads=1, name="test")
    made.append(gatherer)

    with pytest.raises(ValueError, match="zip"):
        gatherer.ask("a", 1)


def test_at_the_end_every_thread_says_goodbye():
    left = []
    gatherer = Gatherer(lambda line, items: items, most=5, threads=3, name="test")

    gatherer.close(lambda: left.append(True))

    assert left == [True] * 3
