"""Hundreds of long messages through a carrier in every mood at once: what we say of each is what the carrier saw."""

import random
import threading
from collections import defaultdict

import pytest

from messaging.channels.tests.lines import make_outgoing, opened, until
from messaging.channels.types.base import NotSent, Refused, Sent, Unknown
from messaging.channels.types.smpp import outbox, parts, pdu
from messaging.channels.types.smpp.testing import scripted_carrier

MOODS = {"accept": 70, "throttle": 15, "full": 5, "refuse": 3, "not bound": 2, "forget": 2, "no name": 1, "drop": 2}
STATUSES = {
    "throttle": pdu.THROTTLED,
    "full": pdu.QUEUE_FULL,
    "refuse": pdu.INVALID_DESTINATION,
    "not bound": pdu.NOT_BOUND,
}
MESSAGES = 150


class MoodyCarrier:
    """Answers each submit as the seed says, and writes down what it did to each part of each message."""

    def __init__(self, seed):
        self._draw, self._lock = random.Random(seed), threading.Lock()
        self.did = defaultdict(list)  # (our reference, part) → moods, in order
        self.names = {}

    def __call__(self, session, sequence, message):
        with self._lock:
            [mood] = self._draw.choices(list(MOODS), MOODS.values())
            key = (message.user_message_reference, (parts.place_of(message) or parts.Place(0, 1, 1)).number)
            self.did[key].append(mood)
        if mood == "drop":
            session.close("dropped by the test", at_once=True)
        elif mood == "forget":
            session.leave_unanswered()
        elif mood in STATUSES:
            session.answer(pdu.SUBMIT_SM, sequence, STATUSES[mood])
        else:
            name = "" if mood == "no name" else f"n{key[0]}-{key[1]}"
            session.answer(pdu.SUBMIT_SM, sequence, pdu.OK, pdu.encode_message_id(name))

    def moods_of(self, outgoing):
        """What it did, part by part, to the parts that reached it."""
        return {part: moods for (reference, part), moods in self.did.items() if reference == outgoing.reference}


def storm(seed):
    """Each message with its outcome and what the carrier did to it."""
    carrier_does = MoodyCarrier(seed)
    batch = [make_outgoing(n, body="x" * (153 * (n % 4) + 100), segments=n % 4 + 1) for n in range(MESSAGES)]
    with (
        scripted_carrier(carrier_does) as carrier,
        opened(carrier.port, binds=3, window=8, queue_seconds=20, response_timeout_seconds=0.6) as channel,
    ):
        until(lambda: channel.state().binds_up == 3)
        outcomes = []
        for at in range(0, MESSAGES, 30):
            until(lambda: channel.state().bind == "bound")
            outcomes += channel.send(batch[at : at + 30])
    by_attempt = {outcome.attempt_id: outcome for outcome in outcomes}
    assert len(outcomes) == len(by_attempt) == MESSAGES
    return [(one, by_attempt[one.attempt_id], carrier_does.moods_of(one)) for one in batch]


def contradictions(story):
    """What was said of a message and is not so."""
    return [
        (type(outcome).__name__, moods) for outgoing, outcome, moods in story if not is_true(outgoing, outcome, moods)
    ]


def is_true(outgoing, outcome, moods):
    taken = [part for part, did in moods.items() if "accept" in did]
    may_be_taken = [part for part, did in moods.items() if {"accept", "no name", "forget", "drop"} & {*did}]
    match outcome:
        case Sent(reference=first, further=others):
            names = [f"n{outgoing.reference}-{part}" for part in range(1, outgoing.segments + 1)]
            return [first, *others] == names and len(taken) == outgoing.segments
        case Refused(retry=True):
            return not taken
        case NotSent():
            return not may_be_taken
        case _:
            return True


def brought_again(story):
    """Parts that reached a carrier again although it may have taken them."""
    return [
        moods
        for _outgoing, _outcome, moods in story
        if any({"accept", "no name", "forget", "drop"} & {*did[:-1]} for did in moods.values())
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_said_of_a_long_message_is_what_the_carrier_saw(seed):
    story = storm(seed)

    assert contradictions(story) == []
    assert brought_again(story) == []
    assert {type(outcome) for _one, outcome, _moods in story} >= {Sent, Refused, Unknown}


def test_sabotage_a_part_written_off_as_refused_would_be_sent_again(monkeypatch):
    """Without the memory of what was taken, a message half taken is called worth another try."""
    settle = outbox.Whole.outcome

    def forgetful(self):
        self._references, self._lost = ["" if self._code else name for name in self._references], ""
        return settle(self)

    monkeypatch.setattr(outbox.Whole, "outcome", forgetful)

    assert any(contradictions(storm(seed)) for seed in range(1, 6))
