"""A drain on its way when the database goes."""

from importlib import import_module

import pytest

from kit.tests.sessions import lose_connection
from messaging.channels import breakers
from messaging.channels.models import DEFAULT_WINDOW, Bind, Channel
from messaging.channels.runtime import OpenChannel, close_all, keep_channels, open_channel
from messaging.channels.types.simulator.channel import SimulatorChannel
from messaging.engine.dispatch import drain
from messaging.engine.models import Attempt, Claim, Message
from messaging.engine.states import AttemptOutcome, Status
from messaging.engine.tasks import drain_channel
from messaging.engine.tests.factories import make_world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_stays_open(nobody_answers):
    yield
    close_all()


def test_what_the_carrier_answered_is_written_down_though_the_connection_broke(monkeypatch):
    world = make_world()
    world.accept(2)
    send = SimulatorChannel.send

    def send_and_lose(line, batch):
        outcomes = list(send(line, batch))
        lose_connection()
        return iter(outcomes)

    monkeypatch.setattr(SimulatorChannel, "send", send_and_lose)

    assert drain(channel_id=world.channel.pk) == {world.channel.pk: 2}

    assert set(Attempt.objects.values_list("outcome", flat=True)) == {AttemptOutcome.SENT}
    assert set(Message.objects.values_list("status", flat=True)) == {Status.SUBMITTED}


def test_a_breaker_that_cannot_be_written_to_costs_no_batch_its_outcomes(monkeypatch):
    world = make_world()
    world.accept(2)
    Channel.objects.filter(pk=world.channel.pk).update(window=2)
    send, close, sent = SimulatorChannel.send, breakers.close_breaker, []

    def send_and_be_avoided(line, batch):
        sent.append(len(batch))
        if len(sent) == 2:
            breakers.open_breaker(world.channel.pk, "no answer for 6 s", worker="w1", is_bound=True)
            open_channel(world.channel.pk)
        return send(line, batch)

    def lose_and_close(channel_id):
        lose_connection()
        close(channel_id)

    monkeypatch.setattr(SimulatorChannel, "send", send_and_be_avoided)
    monkeypatch.setattr(breakers, "close_breaker", lose_and_close)

    assert drain(channel_id=world.channel.pk) == {world.channel.pk: 2}

    assert sent == [1, 1]
    assert set(Message.objects.values_list("status", flat=True)) == {Status.SUBMITTED}
    assert not Claim.objects.exists()


@pytest.mark.parametrize(
    ("window", "rate", "size"), [(200, None, 100), (200, 30, 15), (1, None, 1), (5000, None, 1000), (5000, 1_000, 500)]
)
def test_a_first_batch_is_no_larger_than_what_can_leave_at_once(window, rate, size):
    row = Channel(window=window, rate_per_second=rate)

    assert OpenChannel(row, SimulatorChannel({})).batch_size == size


def test_batches_grow_with_a_quick_carrier_and_shrink_with_a_slow_one():
    channel = OpenChannel(Channel(window=300, rate_per_second=None), SimulatorChannel({}))

    for seconds, size in [(0.1, 300), (0.1, 600), (0.1, 1000), (0.1, 1000), (0.5, 1000), (2, 500), (2, 250)]:
        channel.note_batch(channel.batch_size, seconds)
        assert channel.batch_size == size

    channel.note_batch(3, 0.01)
    assert channel.batch_size == 250, "a small batch that was quick says nothing about large ones"


@pytest.mark.parametrize(("window", "size"), [(1, 3), (2, 7), (200, 700), (DEFAULT_WINDOW, 1000)])
def test_what_is_in_hand_at_once_is_no_more_than_seven_windows(window, size):
    channel = OpenChannel(Channel(window=window, rate_per_second=None), SimulatorChannel({}))

    for _ in range(10):
        channel.note_batch(channel.batch_size, 0.01)

    assert channel.batch_size == size


@pytest.fixture
def steps(monkeypatch):
    """What a drain does, in order: how many messages it claims, and when it writes down outcomes."""
    done, draining = [], import_module("messaging.engine.dispatch.channel_drain")
    claim, record = draining.claim, draining.record_outcomes

    def note_claim(**facts):
        batch = claim(**facts)
        done.append(len(batch))
        return batch

    def note_outcomes(**facts):
        done.append("written down")
        return record(**facts)

    monkeypatch.setattr(draining, "claim", note_claim)
    monkeypatch.setattr(draining, "record_outcomes", note_outcomes)
    return done


def test_the_next_batch_is_claimed_while_the_last_one_is_on_the_wire_where_several_share_it(steps):
    world, other = make_world(), make_world()
    Channel.objects.filter(pk=world.channel.pk).update(window=8)  # batches of four, two for each
    world.accept(6)
    other.accept(1)

    assert drain(channel_id=world.channel.pk) == {world.channel.pk: 7}

    assert steps[:3] == [3, 4, "written down"]


def test_no_look_is_wasted_while_all_there_was_is_on_the_wire(steps):
    world = make_world()
    world.accept(3)

    assert drain(channel_id=world.channel.pk) == {world.channel.pk: 3}

    assert steps[:2] == [3, "written down"]


def test_what_a_worker_handed_over_is_told_with_its_bind():
    world = make_world()
    world.accept(7)

    drain_channel(str(world.channel.pk))
    keep_channels()

    bind = Bind.objects.get(channel=world.channel)
    assert (bind.handed_over_in_a_minute, bind.handed_over_in_five_minutes) == (7, 7)
