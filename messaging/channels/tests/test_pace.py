"""How much was handed over of late.  The clock is the test's."""

from messaging.channels.pace import Pace


def looks_of(pace: Pace, *, messages: int, seconds: range) -> tuple[int, int]:
    """What it shows after so many messages before each look."""
    shown = (0, 0)
    for now in seconds:
        pace.note(messages)
        shown = pace.look(now=float(now))
    return shown


def test_a_line_that_just_began_shows_all_it_was_given():
    assert looks_of(Pace(now=0.0), messages=10, seconds=range(3, 33, 3)) == (100, 100)


def test_a_steady_line_shows_its_last_minute_and_its_last_five():
    assert looks_of(Pace(now=0.0), messages=30, seconds=range(3, 903, 3)) == (600, 3_000)


def test_what_was_given_before_a_pause_leaves_the_minute_first_and_then_the_five():
    pace = Pace(now=0.0)
    pace.note(500)
    shown = [pace.look(now=float(now)) for now in (3, 60, 63, 299, 303)]

    assert shown == [(500, 500), (500, 500), (0, 500), (0, 500), (0, 0)]


def test_what_is_remembered_is_bounded():
    pace = Pace(now=0.0)
    looks_of(pace, messages=1, seconds=range(3, 3_003, 3))

    assert len(pace._looks) <= 102
