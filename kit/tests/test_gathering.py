"""What many ask for at one moment is done in one go, and each gets an answer of its own."""

from concurrent.futures import Future
from threading import Barrier, Event, Semaphore, Thread

import pytest

from kit.gathering import WARY_GROUPS, Gatherer, NotTaken, _Line

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
    answers = queue_up(gatherer, handler, asked)
    handler.may_end.set()
    return [answer.exception(PATIENCE) or answer.result() for answer in answers]


def queue_up(gatherer, handler, asked):
    """The answers to come: the first question is in hand, the others wait in their order."""
    answers = [begin(gatherer.ask, *asked[0])]
    assert handler.has_begun.wait(PATIENCE)
    for place, question in enumerate(asked[1:], start=1):
        answers.append(begin(gatherer.ask, *question))
        wait_for_waiting(gatherer, place)
    return answers


def begin(act, *args):
    """What `act` returns or raises, once it does; nothing waits for one that never ends."""
    outcome = Future()

    def run():
        try:
            outcome.set_result(act(*args))
        except BaseException as error:
            outcome.set_exception(error)

    Thread(target=run, daemon=True).start()
    return outcome


def begin_to_close(gatherer):
    closing = begin(gatherer.close, lambda: None)
    wait_until(lambda: gatherer._is_closing)
    return closing


def wait_for_waiting(gatherer, count):
    wait_until(lambda: sum(len(line.waiting) for line in list(gatherer._lines.values())) == count)


def wait_until(is_so):
    ticks = Event()
    for _ in range(PATIENCE * 1000):
        if is_so():
            return
        ticks.wait(0.001)
    raise AssertionError("it never came to that")


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
    left, together = [], Barrier(3)

    def handle(line, items):
        together.wait(PATIENCE)
        return items

    gatherer = Gatherer(handle, most=5, threads=3, name="test")
    for answer in [begin(gatherer.ask, line, 1) for line in "abc"]:
        assert answer.result(PATIENCE) == 1

    gatherer.close(lambda: left.append(True))

    assert left == [True] * 3


@pytest.mark.parametrize("threads", [1, 3])
def test_who_waits_when_it_closes_is_answered_first(handler, threads):
    gatherer = Gatherer(handler, most=1, threads=threads, name="test")
    answers = queue_up(gatherer, handler, [("a", 1), ("a", 2), ("a", 3)])
    closing = begin_to_close(gatherer)

    handler.may_end.set()

    assert [answer.result(PATIENCE) for answer in answers] == [2, 4, 6]
    closing.result(PATIENCE)


def test_who_comes_when_it_closes_is_told_that_nothing_was_done(handler):
    gatherer = Gatherer(handler, most=1, threads=1, name="test")
    queue_up(gatherer, handler, [("a", 1)])
    closing = begin_to_close(gatherer)

    for line in "ab":
        with pytest.raises(NotTaken):
            gatherer.ask(line, 2)
    handler.may_end.set()

    closing.result(PATIENCE)
    with pytest.raises(NotTaken):
        gatherer.ask("a", 3)
    assert handler.groups == [("a", [1])]


def test_company_is_waited_for_after_a_group_of_several_but_not_at_the_end(handler):
    gatherer = Gatherer(handler, most=5, threads=1, name="test", pause_seconds=3_600)
    answers = queue_up(gatherer, handler, [("a", n) for n in (1, 2, 3)])
    handler.may_end.set()
    assert [answer.result(PATIENCE) for answer in answers] == [2, 4, 6]
    last = begin(gatherer.ask, "a", 5)
    wait_for_waiting(gatherer, 1)

    begin_to_close(gatherer).result(PATIENCE)

    assert last.result(PATIENCE) == 10
    assert handler.groups == [("a", [1]), ("a", [2, 3]), ("a", [5])]


def test_as_many_as_there_were_begin_without_waiting_any_longer(made, handler):
    gatherer = Gatherer(handler, most=5, threads=1, name="test", pause_seconds=3_600)
    made.append(gatherer)
    answers = queue_up(gatherer, handler, [("a", n) for n in (1, 2, 3, 4)])
    handler.may_end.set()
    assert [answer.result(PATIENCE) for answer in answers] == [2, 4, 6, 8]

    answers = [begin(gatherer.ask, "a", n) for n in (5, 6)]
    wait_for_waiting(gatherer, 2)
    answers.append(begin(gatherer.ask, "a", 7))

    assert [answer.result(PATIENCE) for answer in answers] == [10, 12, 14]
    assert [len(items) for _, items in handler.groups] == [1, 3, 3]


@pytest.mark.parametrize(("most", "size"), [(100, 5), (4, 4)])
def test_who_waited_meanwhile_is_expected_too_up_to_the_most_of_a_group(made, most, size):
    sizes, gate = [], Semaphore(0)

    def handle(line, items):
        sizes.append(len(items))
        assert gate.acquire(timeout=PATIENCE)
        return items

    gatherer = Gatherer(handle, most=most, threads=1, name="test", pause_seconds=3_600)
    made.append(gatherer)
    ask_for(gatherer, 1)
    wait_until(lambda: sizes == [1])
    ask_for(gatherer, 2)
    gate.release()
    wait_until(lambda: sizes == [1, 2])
    ask_for(gatherer, 3)
    gate.release()
    wait_until(lambda: not gatherer._lines["a"].is_in_hand)
    assert sizes == [1, 2]

    for number in range(size - 3):
        begin(gatherer.ask, "a", number)
    wait_until(lambda: sizes == [1, 2, size])
    gate.release()


def ask_for(gatherer, count):
    """So many more ask; they wait, or are in hand at once."""
    for number in range(count):
        begin(gatherer.ask, "a", number)
        wait_until(lambda number=number: gatherer._lines and len(gatherer._lines["a"].waiting) in (number + 1, 0))


def test_who_is_answered_and_asks_again_at_once_is_not_expected_twice(made, handler):
    gatherer = Gatherer(handler, most=100, threads=1, name="test", pause_seconds=3_600)
    made.append(gatherer)
    answers = queue_up(gatherer, handler, [("a", n) for n in (1, 2, 3, 4)])
    expected = begin(lambda: answers[-1].result(PATIENCE) and gatherer._lines["a"].expected)

    handler.may_end.set()

    assert expected.result(PATIENCE) == 3


def test_company_that_did_not_come_is_waited_for_a_shorter_while_until_it_is_tried_again(monkeypatch):
    monkeypatch.setattr("kit.gathering.monotonic", lambda: 100.0)
    line = _Line()

    def waits_for(present):
        line.expect(3, pause=8)
        line.waiting.extend(range(present))
        line.note_company()
        line.waiting.clear()
        return line.until - 100

    assert [waits_for(3), waits_for(3), waits_for(1)] == [8, 8, 8]
    assert {waits_for(1) for _ in range(WARY_GROUPS)} == {2}
    assert waits_for(3) == 8


def test_nobody_waits_longer_than_the_pause_for_company_that_does_not_come(made, handler):
    gatherer = Gatherer(handler, most=5, threads=2, name="test", pause_seconds=0.01)
    made.append(gatherer)
    answers = queue_up(gatherer, handler, [("a", n) for n in (1, 2, 3)])
    handler.may_end.set()
    assert [answer.result(PATIENCE) for answer in answers] == [2, 4, 6]

    assert begin(gatherer.ask, "a", 4).result(PATIENCE) == 8

    wait_until(lambda: not gatherer._lines)
    assert handler.groups[-1] == ("a", [4])


def test_one_line_that_waits_for_company_holds_up_no_other(made, handler):
    gatherer = Gatherer(handler, most=5, threads=1, name="test", pause_seconds=3_600)
    made.append(gatherer)
    answers = queue_up(gatherer, handler, [("a", n) for n in (1, 2, 3)])
    handler.may_end.set()
    assert [answer.result(PATIENCE) for answer in answers] == [2, 4, 6]
    waiting = begin(gatherer.ask, "a", 4)
    wait_for_waiting(gatherer, 1)

    assert gatherer.ask("b", 5) == 10

    assert not waiting.done()


def no_thread(thread):
    raise RuntimeError("can't start new thread")


def test_without_a_thread_nothing_is_done_and_the_next_one_may_find_one(made, handler, monkeypatch):
    gatherer = Gatherer(handler, most=5, threads=2, name="test")
    made.append(gatherer)
    handler.may_end.set()
    with monkeypatch.context() as patch:
        patch.setattr(Thread, "start", no_thread)
        with pytest.raises(NotTaken):
            gatherer.ask("a", 1)

    assert begin(gatherer.ask, "a", 2).result(PATIENCE) == 4
    assert handler.groups == [("a", [2])]


def test_one_thread_does_for_all_lines_when_there_is_no_other(made, handler, monkeypatch):
    gatherer = Gatherer(handler, most=5, threads=2, name="test")
    made.append(gatherer)
    handler.may_end.set()
    assert gatherer.ask("a", 1) == 2
    monkeypatch.setattr(Thread, "start", no_thread)

    assert [gatherer.ask(line, 3) for line in "bcb"] == [6, 6, 6]


def test_who_loses_patience_in_the_line_is_left_out(made, handler):
    gatherer = Gatherer(handler, most=5, threads=1, name="test", patience_seconds=2)
    made.append(gatherer)
    in_hand, waiting = queue_up(gatherer, handler, [("a", 1), ("a", 2)])

    with pytest.raises(NotTaken):
        waiting.result(PATIENCE)
    last = begin(gatherer.ask, "a", 3)
    wait_for_waiting(gatherer, 2)
    handler.may_end.set()

    assert [in_hand.result(PATIENCE), last.result(PATIENCE)] == [2, 6]
    assert handler.groups == [("a", [1]), ("a", [3])]


def test_what_goes_wrong_for_want_of_time_is_told_as_it_was(made):
    def handle(line, items):
        raise TimeoutError("the lock")

    gatherer = Gatherer(handle, most=5, threads=1, name="test")
    made.append(gatherer)

    with pytest.raises(TimeoutError, match="the lock"):
        gatherer.ask("a", 1)
