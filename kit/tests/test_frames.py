"""Room on the stack: what is called says the same, and no loop pays for standing at a piece's end."""

import resource

import pytest

from kit.frames import with_room

CALLS, DEEPEST = 300, 150


def nothing() -> None:
    pass


def call_often_at(depth: int) -> None:
    if depth:
        return call_often_at(depth - 1)
    for _ in range(CALLS):
        nothing()
    return None


def pages_touched(call, depth: int) -> int:
    """How many pages of memory the system had to hand out meanwhile."""
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    call(depth)
    return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before


def test_what_is_called_hears_and_says_the_same():
    assert with_room(lambda first, *, second: (first, second))(1, second=2) == (1, 2)


def test_what_is_called_may_fail():
    with pytest.raises(ZeroDivisionError):
        with_room(lambda: 1 / 0)()


def test_no_depth_makes_a_loop_dear():
    call = with_room(call_often_at)

    touched = [pages_touched(call, depth) for depth in range(DEEPEST)]

    assert max(touched) < CALLS / 2
