"""How soon a carrier is known to be in trouble, and what is no trouble.  The clock is the test's."""

import uuid
from datetime import UTC, datetime

import pytest

from messaging.channels.runtime import LOOK_SECONDS
from messaging.channels.types.base import ChannelState, NotSent, Refused, Sent, Unknown
from messaging.channels.vitals import Vitals, handed_over

ID = uuid.uuid4()
WELL, THROTTLED, LOST = Sent(ID, "m1"), Refused(ID, "0x00000058", retry=True), Unknown(ID, "no answer in time")
REFUSED, WRONG = Refused(ID, "0x00000008", speaks_of="carrier"), Refused(ID, "0x0000000B", speaks_of="message")
OURS, STAYED = Refused(ID, "unencodable", speaks_of="ourselves"), NotSent(ID, "no place in the window")
PROMISED_SECONDS = 10


def test_what_never_reached_the_carrier_was_not_handed_over():
    assert handed_over([WELL, THROTTLED, LOST, REFUSED, WRONG, OURS, STAYED]) == 5


def state(bind="bound", *, silent=0.0, owed=2):
    return ChannelState(bind, datetime.now(UTC), "", in_flight=owed, silent_seconds=silent)


def found_after(*, outcomes=(), bind="bound", is_silent=False, seconds=30):
    """Seconds of trouble until a look a second finds it, batches being answered twice a second; None when none does."""
    vitals, began = Vitals(), 1_000.0
    vitals.heard([WELL], now=began)
    for half in range(2 * seconds):
        now = began + half / 2
        vitals.heard(outcomes, now=now)
        if half % 2 == 0 and vitals.trouble(state(bind, silent=(now - began) * is_silent), now=now):
            return now - began
    return None


@pytest.mark.parametrize(
    ("_case", "shown"),
    [
        ("no answer", {"is_silent": True}),
        ("lost answers", {"outcomes": [LOST]}),
        ("a storm of too-fast", {"outcomes": [THROTTLED, THROTTLED]}),
        ("every bind refused", {"bind": "refused"}),
        ("nobody there", {"bind": "down"}),
        ("a bind that hangs", {"bind": "connecting"}),
        ("nothing but errors", {"outcomes": [REFUSED] * 5}),
        ("errors of all kinds", {"outcomes": [REFUSED, THROTTLED, LOST]}),
        ("no answer but to wrong numbers", {"outcomes": [LOST] * 9 + [WRONG]}),
        ("nothing but errors and wrong numbers", {"outcomes": [REFUSED] * 9 + [WRONG]}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_trouble_is_found_and_told_within_the_promised_time(_case, shown):
    assert found_after(**shown) + LOOK_SECONDS <= PROMISED_SECONDS


@pytest.mark.parametrize(
    ("_case", "outcomes"),
    [
        ("taken", [WELL]),
        ("one in many taken", [THROTTLED] * 50 + [WELL] + [THROTTLED] * 50),
        ("a list of wrong numbers", [WRONG] * 100),
        ("a list of wrong numbers, too fast", [WRONG] * 60 + [THROTTLED] * 40),
        ("refused by ourselves", [OURS] * 10),
        ("no room in the window", [STAYED] * 10),
        ("nothing", []),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_trouble_of_the_carriers(_case, outcomes):
    assert found_after(outcomes=outcomes) is None


def test_a_few_errors_in_a_row_are_no_trouble():
    assert found_after(outcomes=[REFUSED], seconds=9) is None


def test_one_answer_that_is_missing_is_no_trouble():
    assert not Vitals().trouble(state(silent=19.0, owed=1), now=100)


def test_a_line_that_drops_once_is_no_trouble():
    vitals = Vitals()
    vitals.heard([LOST] * 10, now=1.0)

    assert not any(vitals.trouble(state("down" if second < 3 else "bound"), now=1.0 + second) for second in range(20))


def test_what_was_long_ago_says_nothing_about_now():
    vitals = Vitals()
    for second in range(4):
        vitals.heard([LOST], now=100.0 + second)
    assert vitals.trouble(state(), now=104)

    assert not vitals.trouble(state(), now=120)
