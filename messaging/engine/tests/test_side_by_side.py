"""One process, several channels: each is drained at its carrier's pace, and none waits for another's."""

import threading
import time
from contextlib import contextmanager
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from hypothesis import given
from hypothesis import strategies as st

from kit.sql import run
from kit.tests.sessions import lose_connection
from messaging.channels import breakers
from messaging.channels.actions import create_channel
from messaging.channels.models import Channel
from messaging.channels.runtime import MOST_WINDOWS_IN_HAND, close_all, open_channel
from messaging.channels.types.simulator.channel import SimulatorChannel
from messaging.engine import bell, waiting
from messaging.engine.dispatch import drain
from messaging.engine.dispatch.channel_drain import IN_FLIGHT, room_of
from messaging.engine.models import Claim, Message
from messaging.engine.states import Status
from messaging.engine.tasks import drain_channel
from messaging.engine.tests.factories import make_world

in_the_database = pytest.mark.django_db(transaction=True)
drains = import_module("messaging.engine.dispatch.drain")
#: No answer of a test's carrier is held back for longer, whatever goes wrong.
PATIENCE_SECONDS = 20


@pytest.fixture
def two_channels(monkeypatch, nobody_answers):
    """A channel with forty messages, two at a time, and another one of the same process with three; all have waited for
    minutes."""
    monkeypatch.setattr(drains, "LOOK_AROUND_SECONDS", 0.0)
    monkeypatch.setattr(waiting, "A_MOMENT_SECONDS", 60)
    cache.clear()
    world = make_world()
    Channel.objects.filter(pk=world.channel.pk).update(window=2)
    world.accept(40)
    with world.operator.scope():
        other = create_channel(organisation=world.operator, name="Other", type="simulator", config={})
    move_to(other, [message.id for message in world.accept(3).messages])
    run("UPDATE engine_queueentry SET due_at = now() - interval '5 minutes'")
    open_channel(other.pk)
    yield SimpleNamespace(world=world, first=world.channel, other=other)
    close_all()


@pytest.fixture
def rung(monkeypatch):
    """The channels that were rung for: what has reached the broker."""
    channels = []
    monkeypatch.setattr(drain_channel, "apply_async", lambda args, **_: channels.extend(args))
    return channels


def move_to(channel, message_ids) -> None:
    run("UPDATE engine_message SET channel_id = %s WHERE id = ANY(%s)", [channel.pk, message_ids])
    run("UPDATE engine_queueentry SET channel_id = %s WHERE message_id = ANY(%s)", [channel.pk, message_ids])


def left_of(channel) -> int:
    return Message.objects.filter(channel_id=channel.pk, status=Status.QUEUED).count()


@contextmanager
def holding_answers_back(monkeypatch, channel):
    """The carrier of one channel takes messages and answers nothing; yields what lets it answer."""
    send, answers, line = SimulatorChannel.send, threading.Event(), open_channel(channel.pk).line

    def answer(outcomes):
        assert answers.wait(PATIENCE_SECONDS), "the carrier was never to answer"
        yield from outcomes

    def hold_back(self, batch):
        outcomes = send(self, batch)
        return answer(list(outcomes)) if self is line else outcomes

    monkeypatch.setattr(SimulatorChannel, "send", hold_back)
    try:
        yield answers
    finally:
        answers.set()


# --- side by side


@in_the_database
def test_a_carrier_that_does_not_answer_holds_up_no_other(two_channels, rung, monkeypatch):
    """Seen to fail while a process drained one channel at a time, and gave way between batches only."""
    first, other = two_channels.first, two_channels.other
    open_channel(first.pk)

    with holding_answers_back(monkeypatch, first) as answers:

        def answer_once_the_other_is_done(channel_id):
            if channel_id == other.pk:
                answers.set()
            bell.answer(drain_channel, channel_id)

        handed_over = drain(
            channel_id=first.pk, leave=answer_once_the_other_is_done, who_waits=lambda at_work: {other.pk} - {*at_work}
        )

    assert handed_over[other.pk] == 3
    assert (left_of(first), left_of(other)) == (0, 0)


@in_the_database
def test_what_waits_beside_a_channel_is_drained_with_it(two_channels, rung):
    drain_channel(str(two_channels.first.pk))

    assert (left_of(two_channels.first), left_of(two_channels.other), rung) == (0, 0, [])


def pause(other):
    Channel.objects.filter(pk=other.pk).update(is_active=False)


def avoid(other):
    breakers.open_breaker(other.pk, "no answer for 6 s", worker="w1", is_bound=True)
    open_channel(other.pk)


def just_accept(other):
    run("UPDATE engine_queueentry SET due_at = now() WHERE channel_id = %s", [other.pk])


def somebody_is_at(other):
    bell.attend(drain_channel, str(other.pk))


@in_the_database
@pytest.mark.parametrize("that", [pause, avoid, just_accept, somebody_is_at])
def test_a_channel_that_could_not_go_on_or_is_seen_to_is_left_to_others(that, two_channels, rung):
    that(two_channels.other)

    drain_channel(str(two_channels.first.pk))

    assert (left_of(two_channels.first), left_of(two_channels.other)) == (0, 3)


@in_the_database
def test_nobody_rings_for_a_channel_that_is_drained_beside_another(two_channels, rung, monkeypatch):
    other, send, attended = two_channels.other, SimulatorChannel.send, []

    def note_who_is_at_it(line, batch):
        if len(batch) == 3:
            attended.extend(bell.are_attended(drain_channel, [str(other.pk)]))
        return send(line, batch)

    monkeypatch.setattr(SimulatorChannel, "send", note_who_is_at_it)

    drain_channel(str(two_channels.first.pk))

    assert attended == [str(other.pk)]
    assert not bell.are_attended(drain_channel, [str(other.pk)]), "it is rung for again"


@in_the_database
def test_a_ring_is_overtaken_by_the_turn_that_took_its_channel_up(two_channels, rung):
    first, other = two_channels.first, two_channels.other
    drain_channel(str(first.pk))
    move_to(other, [message.id for message in two_channels.world.accept(1).messages])

    drain_channel.apply(args=[str(other.pk)], headers={bell.LAST_ANSWER: "the one before"})

    assert left_of(other) == 1


@in_the_database
def test_a_turn_that_is_over_rings_for_each_channel_that_has_more(two_channels, rung, monkeypatch):
    first, other, send, sent = two_channels.first, two_channels.other, SimulatorChannel.send, []
    Channel.objects.filter(pk=other.pk).update(window=2)
    open_channel(other.pk)

    def end_the_turn_once_both_are_at_work(line, batch):
        sent.append(line)
        if len({*sent}) == 2:
            monkeypatch.setattr(drains.Turn, "may_claim", lambda *_: False)
        return send(line, batch)

    monkeypatch.setattr(SimulatorChannel, "send", end_the_turn_once_both_are_at_work)

    drain_channel(str(first.pk))

    assert left_of(first) > 0 and left_of(other) > 0
    assert {*rung} == {str(first.pk), str(other.pk)}
    assert not Claim.objects.exists()


@in_the_database
def test_a_channel_taken_up_as_the_turn_ends_is_rung_for(two_channels, rung, monkeypatch):
    """Its ring is overtaken by now: it would wait for the sweeper."""
    first, other, may_claim = two_channels.first, two_channels.other, drains.Turn.may_claim

    def over_once_the_other_is_there(turn, drain=None):
        return len(turn.drains) < 2 and other.pk not in turn.handed_over and may_claim(turn, drain)

    monkeypatch.setattr(drains.Turn, "may_claim", over_once_the_other_is_there)

    drain_channel(str(first.pk))

    assert left_of(other) == 3
    assert str(other.pk) in rung


@in_the_database
def test_a_carrier_that_owes_an_answer_after_the_turn_holds_up_no_other(two_channels, rung, monkeypatch):
    first, other = two_channels.first, two_channels.other
    open_channel(first.pk)

    with holding_answers_back(monkeypatch, first) as answers:

        def answer_once_the_other_is_done(channel_id):
            if channel_id == other.pk:
                answers.set()

        begun = time.monotonic()
        drain(
            channel_id=first.pk,
            turn_seconds=0.1,
            leave=answer_once_the_other_is_done,
            who_waits=lambda at_work: {other.pk} - {*at_work} if time.monotonic() > begun + 0.3 else (),
        )

    assert left_of(other) == 0
    assert left_of(first) > 0, "its own turn is over"


@in_the_database
def test_who_has_waited_long_for_its_carrier_is_not_at_it(two_channels, rung, monkeypatch):
    first = two_channels.first
    open_channel(first.pk)
    monkeypatch.setattr(import_module("messaging.engine.dispatch.channel_drain"), "LONG_SECONDS", 0.0)
    attended = []

    drain(channel_id=first.pk, attend=attended.append)

    assert len(attended) == 1


# --- when something goes wrong


@in_the_database
def test_a_channel_that_fails_costs_no_other_its_outcomes(two_channels, rung, monkeypatch):
    first, other = two_channels.first, two_channels.other
    open_channel(first.pk)
    failing, send = open_channel(other.pk).line, SimulatorChannel.send

    with holding_answers_back(monkeypatch, first) as answers:
        hold_back = SimulatorChannel.send

        def fail(line, batch):
            if line is failing:
                answers.set()
                raise ArithmeticError("a fault of ours")
            return hold_back(line, batch)

        monkeypatch.setattr(SimulatorChannel, "send", fail)

        with pytest.raises(ArithmeticError):
            drain_channel(str(first.pk))

    monkeypatch.setattr(SimulatorChannel, "send", send)
    [claim] = Claim.objects.all()
    assert (claim.channel_id, len(claim.message_ids)) == (other.pk, 3), "nobody knows whether they left"
    assert left_of(first) == 0


@in_the_database
def test_a_database_that_is_away_when_others_are_asked_for_costs_no_batch_its_outcomes(two_channels):
    first = two_channels.first
    asked = []

    def ask_and_lose(at_work):
        if not asked:
            asked.append(at_work)
            lose_connection()
        Message.objects.count()
        return ()

    assert drain(channel_id=first.pk, who_waits=ask_and_lose) == {first.pk: 40}

    assert asked
    assert left_of(first) == 0
    assert not Claim.objects.exists()


@in_the_database
def test_trouble_in_looking_around_costs_no_batch_its_outcomes(two_channels):
    first = two_channels.first

    def fail(at_work):
        raise ArithmeticError("a fault of ours")

    with pytest.raises(ArithmeticError):
        drain(channel_id=first.pk, who_waits=fail)

    assert left_of(first) == 0
    assert not Claim.objects.exists()


@in_the_database
def test_a_ring_that_another_turn_has_overtaken_begins_none(two_channels, rung):
    bell.answer(drain_channel, str(two_channels.first.pk))

    drain_channel.apply(args=[str(two_channels.first.pk)], headers={bell.LAST_ANSWER: "the one before"})

    assert (left_of(two_channels.first), rung) == (40, [])


# --- what is in hand


class Drained(SimpleNamespace):
    """As much of a channel's drain as its room depends on."""

    @property
    def windows_in_hand(self):
        return self.in_hand / self.channel.window

    @property
    def next_answer(self):
        return self.in_hand > 0 or None


def drains_of(windows) -> list[Drained]:
    return [Drained(channel=SimpleNamespace(window=window), in_hand=0) for window in windows]


def room(drained, which) -> int:
    return room_of(drained[which], [one for one in drained if one is not drained[which]])


def test_a_channel_alone_has_seven_windows_in_hand():
    [one] = drained = drains_of([300])

    assert room(drained, 0) == 7 * 300
    one.in_hand = 1_000
    assert room(drained, 0) == 1_100


def test_a_channel_that_comes_late_has_its_even_share_and_the_first_no_more_until_it_is_back_at_its_own():
    drained = drains_of([300, 100])
    drained[0].in_hand = 2_100

    assert room(drained, 1) == 350
    drained[1].in_hand = 350
    assert room(drained, 0) == 0
    drained[0].in_hand = 900
    assert room(drained, 0) == 150


def test_a_channel_with_little_in_hand_takes_next_to_nothing_from_the_others():
    drained = drains_of([300, 10])
    drained[1].in_hand = 1

    assert room(drained, 0) == 2_070


@given(
    windows=st.lists(st.integers(1, 500), min_size=1, max_size=6),
    steps=st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=60),
)
def test_whoever_claims_when_no_more_is_in_hand_than_shares_make(windows, steps):
    drained = drains_of(windows)
    for which, is_claim in steps:
        one = drained[which % len(drained)]
        if is_claim:
            most = max(1, one.channel.window * MOST_WINDOWS_IN_HAND // IN_FLIGHT)
            one.in_hand += min(most, room(drained, which % len(drained)))
        else:
            one.in_hand = 0

        shares = sum(MOST_WINDOWS_IN_HAND / place for place in range(1, len(drained) + 1))
        one_each = sum(1 for one in drained if one.in_hand == 1)
        assert sum(one.windows_in_hand for one in drained) <= shares + one_each
