"""How fast a line speaks: as agreed, and as the carrier turns out to take it."""

import random
import time

import pytest

from messaging.channels.tests.lines import make_batch, opened
from messaging.channels.types.base import Refused, Sent
from messaging.channels.types.smpp import pdu
from messaging.channels.types.smpp.governor import Governor, Throttle
from messaging.channels.types.smpp.testing import accepting, refusing, scripted_carrier


def test_segments_are_spent_at_the_carriers_rate():
    governor = Governor(10)
    sent, now = 0, 100.0
    while now < 102:
        wait = governor.wait(now)
        if wait:
            now += wait
        else:
            governor.spend(2)
            sent += 2

    assert 20 <= sent <= 22


def test_without_a_rate_nothing_waits():
    governor = Governor(None)
    governor.spend(1_000_000)

    assert governor.wait(0.0) == 0


def test_what_left_freely_is_no_debt_once_there_is_a_rate():
    governor = Governor(None)
    governor.spend(1_000_000)
    governor.set_rate(10)

    assert governor.wait(100.0) == 0


class Carrier:
    """Takes what `takes` says, answers at once, and lets the clock run on between answers."""

    def __init__(self, takes, *, rate=None):
        self.takes, self.throttle = takes, Throttle()
        self.governor = Governor(rate)
        self.accepted = self.refused = 0
        self.now = 100.0

    def speak_for(self, seconds, *, a_turn=0.01, most_a_turn=50):
        until = self.now + seconds
        while self.now < until:
            said = 0
            while said < most_a_turn and not (self.throttle.wait(self.now) or self.governor.wait(self.now)):
                self.throttle.spend(1)
                self.governor.spend(1)
                said += 1
            taken = sum(self.takes(self.now) for _ in range(said))
            if said:
                self.throttle.heard(self.now, accepted=taken, refused=said - taken)
            self.accepted, self.refused = self.accepted + taken, self.refused + said - taken
            self.now += a_turn
        return self.accepted / seconds


def at_most(rate):
    """A carrier that takes `rate` in each second and refuses the rest of it."""
    second = [0, 0]

    def takes(now):
        if int(now) != second[0]:
            second[:] = [int(now), 0]
        second[1] += 1
        return second[1] <= rate

    return takes


def at_random(share, seed=7):
    draw = random.Random(seed)
    return lambda now: draw.random() >= share


@pytest.mark.parametrize("share", [0.01, 0.02, 0.05])
def test_a_few_refusals_cost_next_to_nothing(share):
    carrier = Carrier(at_random(share))

    assert carrier.speak_for(60) > 0.9 * (1 - share) * 5_000


@pytest.mark.parametrize("a_second", [20, 50, 200])
def test_refusals_at_random_among_few_answers_cost_no_pace(a_second):
    carrier = Carrier(at_random(0.05))

    assert carrier.speak_for(1_800, a_turn=1 / a_second, most_a_turn=1) > 0.99 * 0.95 * a_second


def test_a_bad_moment_of_a_carrier_that_refuses_at_random_is_soon_forgotten():
    usually, badly = at_random(0.05), at_random(0.5)
    carrier = Carrier(lambda now: badly(now) if 110 <= now < 113 else usually(now))
    carrier.speak_for(60, most_a_turn=10)

    carrier.accepted = 0
    assert carrier.speak_for(60, most_a_turn=10) > 0.99 * 0.95 * 1_000


def test_a_carriers_own_rate_is_found_and_kept_to():
    carrier = Carrier(at_most(300))

    accepted = carrier.speak_for(60)

    assert accepted > 0.8 * 300
    assert carrier.refused < 0.25 * carrier.accepted


def test_a_carrier_that_takes_nothing_is_left_in_peace():
    carrier = Carrier(lambda now: False)

    carrier.speak_for(60)

    assert carrier.refused < 60 / Throttle.LONGEST_PAUSE * 50 + 500


def test_a_carrier_that_recovers_is_soon_spoken_to_as_before():
    carrier = Carrier(lambda now: now < 110 or now >= 120)
    carrier.speak_for(25)

    carrier.accepted = 0
    assert carrier.speak_for(10) > 0.8 * 5_000


def test_a_refusal_alone_pauses_the_window_shortly():
    told = []

    def throttle_once(session, sequence, message):
        told.append(time.monotonic())
        (accepting() if len(told) > 1 else refusing(pdu.THROTTLED))(session, sequence, message)

    with scripted_carrier(throttle_once) as carrier, opened(carrier.port, window=1) as channel:
        outcomes = list(channel.send(make_batch(3)))

    assert [type(outcome) for outcome in outcomes] == [Refused, Sent, Sent]
    assert told[1] - told[0] >= Throttle.FIRST_PAUSE * 0.9
