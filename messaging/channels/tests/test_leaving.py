"""Whoever keeps a channel hears of each attempt before a byte of it leaves."""

import threading

import pytest

from messaging.channels.tests.lines import make_batch, make_outgoing, opened
from messaging.channels.types.base import NotSent, Refused, Sent
from messaging.channels.types.simulator.channel import SimulatorChannel
from messaging.channels.types.smpp.testing import SECONDS, accepting, refusing, scripted_carrier, silent


def ids_of(batch):
    return [outgoing.attempt_id for outgoing in batch]


def test_each_attempt_is_announced_once_and_before_the_carrier_hears_it():
    announced, early = [], []

    def answer(session, sequence, message):
        if message.user_message_reference > sum(len(group) for group in announced):
            early.append(message)
        accepting()(session, sequence, message)

    batch = make_batch(500)
    with scripted_carrier(answer) as carrier, opened(carrier.port, window=50, on_leaving=announced.append) as channel:
        outcomes = list(channel.send(batch))

    assert [type(outcome) for outcome in outcomes] == [Sent] * 500
    assert [attempt for group in announced for attempt in group] == ids_of(batch)
    assert len(announced) < 500
    assert early == []


def test_what_could_not_be_announced_does_not_leave():
    def unable(attempts):
        raise OSError("the disk is full")

    with scripted_carrier() as carrier, opened(carrier.port, window=2, on_leaving=unable) as channel:
        outcomes = list(channel.send(make_batch(5)))

        assert [type(outcome) for outcome in outcomes] == [NotSent] * 5
        assert "the disk is full" in outcomes[0].why
        assert carrier.submits.empty()


def test_the_line_goes_on_after_an_announcement_failed():
    told = []

    def unable_once(attempts):
        told.append(attempts)
        if len(told) == 1:
            raise OSError("the disk is full")

    with scripted_carrier() as carrier, opened(carrier.port, on_leaving=unable_once) as channel:
        assert [type(outcome) for outcome in channel.send(make_batch(1))] == [NotSent]
        assert [type(outcome) for outcome in channel.send(make_batch(1))] == [Sent]


def test_what_waits_for_its_place_is_not_announced():
    announced = []

    with (
        scripted_carrier(silent) as carrier,
        opened(carrier.port, window=2, response_timeout_seconds=SECONDS, on_leaving=announced.extend) as channel,
    ):
        batch = make_batch(5)
        channel.send(batch)
        carrier.submits.get(timeout=SECONDS)
        carrier.hang_up()

    assert announced == ids_of(batch[:2])


def test_a_refused_attempt_was_announced_too():
    announced, batch = [], make_batch(3)

    with scripted_carrier(refusing(0x0B)) as carrier, opened(carrier.port, on_leaving=announced.extend) as channel:
        list(channel.send(batch))

    assert announced == ids_of(batch)


@pytest.mark.parametrize("is_able", [True, False])
def test_answers_are_told_before_anybody_else_hears_of_them(is_able):
    """Seen to be heard of first where they were told behind the outcomes: whoever is told gives them time for it."""
    told, heard, was_heard = [], [], threading.Event()

    def note(outcomes):
        was_heard.wait(0.2)
        told.extend((outcome, outcome in heard) for outcome in outcomes)
        if not is_able:
            raise OSError("the disk is full")

    with scripted_carrier(refusing(0x0B)) as carrier, opened(carrier.port, window=5, on_answers=note) as channel:
        for outcome in channel.send(make_batch(5)):
            heard.append(outcome)
            was_heard.set()

    assert [type(outcome) for outcome in heard] == [Refused] * 5
    assert sorted(map(repr, told)) == sorted(repr((outcome, False)) for outcome in heard)


def test_the_simulator_tells_its_answers_too():
    told = []

    outcomes = list(SimulatorChannel({}, on_answers=told.extend).send(make_batch(3)))

    assert told == outcomes


@pytest.mark.parametrize("is_able", [True, False])
def test_the_simulator_announces_too(is_able):
    announced, news, batch = [], [], [make_outgoing(number) for number in range(10, 13)]

    def announce(attempts):
        if not is_able:
            raise OSError("the disk is full")
        announced.extend(attempts)

    outcomes = list(SimulatorChannel({}, on_inbound=news.extend, on_leaving=announce).send(batch))

    assert [type(outcome) for outcome in outcomes] == [Sent if is_able else NotSent] * 3
    assert (announced, len(news)) == ((ids_of(batch), 3) if is_able else ([], 0))
