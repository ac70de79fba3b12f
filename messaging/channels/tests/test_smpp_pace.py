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

    def __init__(self, takes, *, rate=None, cost=1):
        self.takes, self.throttle, self.cost = takes, Throttle(), cost
        self.governor = Governor(rate)
        self.accepted = self.refused = 0
        self.now = 100.0

    def speak_for(self, seconds, *, a_turn=0.01, most_a_turn=50):
        until = self.now + seconds
        while self.now < until:
            said = 0
            while said < most_a_turn and not (self.throttle.wait(self.now) or self.governor.wait(self.now)):
                self.throttle.spend(self.cost)
                self.governor.spend(self.cost)
                said += 1
            taken = sum(self.takes(self.now) for _ in range(said))
            if said:
                segments = taken * self.cost
                self.throttle.heard(self.now, accepted=taken, refused=said - taken, segments=segments)
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


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("badly", "usually"), [(0.5, 0.05), (0.9, 0.05), (0.9, 0.02), (0.97, 0.0), (0.3, 0.0)])
def test_a_bad_moment_of_a_carrier_is_soon_forgotten(badly, usually, seed):
    bad, usual = at_random(badly, seed), at_random(usually, seed + 100)
    carrier = Carrier(lambda now: bad(now) if 110 <= now < 113 else usual(now))
    carrier.speak_for(180, most_a_turn=10)

    carrier.accepted = 0
    assert carrier.speak_for(60, most_a_turn=10) > 0.95 * (1 - usually) * 1_000


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("share", [0.12, 0.15, 0.2, 0.3])
def test_refusals_that_come_of_no_pace_do_not_bring_it_down(share, seed):
    carrier = Carrier(at_random(share, seed))
    carrier.speak_for(60, most_a_turn=10)

    carrier.accepted = 0
    assert carrier.speak_for(300, most_a_turn=10) > 0.9 * (1 - share) * 1_000


@pytest.mark.parametrize("cost", [1, 6])
@pytest.mark.parametrize("rate", [20, 100, 300, 1_000])
def test_a_carriers_own_rate_is_found_and_kept_to(rate, cost):
    """Also where a submit carries several segments."""
    carrier = Carrier(at_most(rate), cost=cost)
    carrier.speak_for(60)

    carrier.accepted = carrier.refused = 0
    accepted = carrier.speak_for(240)

    assert accepted > 0.9 * rate
    assert carrier.refused < 0.15 * carrier.accepted


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
