"""A channel in trouble is left alone by everybody, tried with one message at a time, and used again when that one is taken."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.tests.factories import make_customer, make_operator, signed_in
from kit.sql import run
from messaging.channels import breakers, runtime
from messaging.channels.actions import add_route, create_channel, set_channel_active
from messaging.channels.health import health
from messaging.channels.models import Bind, Breaker
from messaging.channels.queries import channel_of, other_routes, routes_for
from messaging.channels.types.base import NotSent, Refused, Sent, Unknown

pytestmark = pytest.mark.django_db
GB_NOTICE = ("GB", "notice")


@pytest.fixture
def operator():
    return make_operator()


@pytest.fixture
def channel(operator):
    return connect(operator, "First", priority=1)


@pytest.fixture
def other(operator):
    return connect(operator, "Second", priority=2)


def connect(operator, name, **route):
    with operator.scope():
        channel = create_channel(organisation=operator, name=name, type="simulator", config={})
        add_route(channel=channel, **route)
    return channel


def open_for(channel, *, worker="w1", is_bound=True):
    return breakers.open_breaker(channel.pk, "no answer for 6 s", worker=worker, is_bound=is_bound)


def seconds_later(seconds):
    """As if so much time had gone by."""
    run("UPDATE channels_breaker SET opened_at = opened_at - %(ago)s, retry_at = retry_at - %(ago)s",
        {"ago": timedelta(seconds=seconds)})  # fmt: skip


def rest():
    breaker = Breaker.objects.get()
    return round((breaker.retry_at - timezone.now()).total_seconds())


def chosen(operator):
    """The channel a customer's message gets: seen from the customer, who sees no channels."""
    customer = make_customer(parent=operator)
    with customer.scope():
        return routes_for([GB_NOTICE], is_test=False)[GB_NOTICE]


def bind_of(channel, worker, **fields):
    now = timezone.now()
    return Bind.objects.create(
        organisation=channel.organisation, channel=channel, worker=worker, since=now, updated_at=now,
        **{"state": "bound", **fields},
    )  # fmt: skip


# the way


def test_while_a_carrier_is_in_trouble_new_messages_take_the_next_route_and_come_back_afterwards(
    operator, channel, other
):
    assert chosen(operator) == channel.pk

    open_for(channel)
    assert chosen(operator) == other.pk

    breakers.close_breaker(channel.pk)
    assert chosen(operator) == channel.pk


def test_without_another_route_messages_wait_for_their_own(operator, channel):
    open_for(channel)

    assert chosen(operator) == channel.pk


def test_nothing_is_led_to_a_channel_that_is_paused_in_trouble_or_for_tests(operator, channel, other):
    third, paused = connect(operator, "Third", priority=3), connect(operator, "Paused", priority=1)
    connect(operator, "Tests", is_test=True)
    with operator.scope():
        set_channel_active(channel=paused, is_active=False)
    open_for(channel)
    open_for(other)

    assert [route.channel_id for route in other_routes(channel.pk)] == [third.pk]


# who opens it


def test_one_worker_whose_line_is_down_says_nothing_against_a_channel_others_are_bound_to(channel):
    bind_of(channel, "w2")

    assert not open_for(channel, is_bound=False)
    assert not Breaker.objects.exists()


def test_what_another_worker_got_through_just_now_counts_for_more(channel):
    bind_of(channel, "w2", sent_at=timezone.now())

    assert not open_for(channel)


@pytest.mark.parametrize(
    ("_case", "other_bind"),
    [
        ("idle", {}),
        ("long without success", {"sent_at": timezone.now() - timedelta(minutes=1)}),
        ("in trouble too", {"trouble": "no answer for 7 s", "sent_at": timezone.now()}),
        ("down", {"state": "down"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_workers_that_know_no_better_do_not_speak_against_it(_case, other_bind, channel):
    bind_of(channel, "w2", **other_bind)

    assert open_for(channel)


# trying again


def test_after_its_rest_one_message_tries_it_whoever_asks(channel):
    open_for(channel)
    assert not breakers.take_trial(channel.pk)

    seconds_later(breakers.REST_SECONDS)

    assert breakers.take_trial(channel.pk)
    assert not breakers.take_trial(channel.pk)


def test_a_trial_nothing_was_there_for_is_another_ones(channel):
    open_for(channel)
    seconds_later(breakers.REST_SECONDS)
    trial = breakers.take_trial(channel.pk)

    breakers.give_trial_back(channel.pk, trial)

    assert breakers.take_trial(channel.pk)


@pytest.mark.parametrize(
    ("_case", "what_another_does"),
    [
        ("opened anew", open_for),
        ("rests longer", lambda channel: breakers.rest_longer(channel.pk, "takes nothing")),
        ("closed and opened", lambda channel: (breakers.close_breaker(channel.pk), open_for(channel))),
        ("tried by another", lambda channel: (seconds_later(breakers.TRIAL_SECONDS), breakers.take_trial(channel.pk))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.django_db(transaction=True)  # each of them at a time of its own
def test_a_trial_that_is_given_back_ends_no_rest_that_began_since(_case, what_another_does, channel):
    open_for(channel)
    seconds_later(breakers.REST_SECONDS)
    trial = breakers.take_trial(channel.pk)
    what_another_does(channel)
    until = Breaker.objects.get().retry_at

    breakers.give_trial_back(channel.pk, trial)

    assert Breaker.objects.get().retry_at == until > timezone.now()


def test_rests_grow_with_the_trouble_up_to_half_a_minute(channel):
    open_for(channel)
    assert rest() == 5

    for later, expected in [(5, 5), (15, 10), (40, 30), (600, 30)]:
        seconds_later(later)
        breakers.rest_longer(channel.pk, "takes nothing")
        assert rest() == expected


def test_a_trial_that_fails_opens_nothing_that_was_closed_meanwhile(channel):
    breakers.rest_longer(channel.pk, "takes nothing")

    assert not Breaker.objects.exists()


def test_a_process_hands_over_nothing_then_one_then_as_ever(channel):
    held = runtime.open_channel(channel.pk)
    batch = held.take_room()
    open_for(channel)
    held = runtime.open_channel(channel.pk)
    assert held.take_room() == 0

    seconds_later(breakers.REST_SECONDS)
    assert held.take_room() == 1
    held.note_outcomes([Refused(channel.pk, "0x00000058", retry=True)])
    assert held.take_room() == 0

    seconds_later(breakers.LONGEST_REST_SECONDS)
    assert held.take_room() == 1
    held.note_outcomes([Sent(channel.pk, "m1")])
    assert held.take_room() == batch
    assert not Breaker.objects.exists()
    runtime.close_all()


def on_trial(channel):
    open_for(channel)
    seconds_later(breakers.REST_SECONDS)
    held = runtime.open_channel(channel.pk)
    assert held.take_room() == 1
    assert held.take_room() == 0, "the trial is on its way"
    return held


def test_a_carrier_that_finds_fault_with_the_message_it_is_tried_with_is_used_as_ever(channel):
    held = on_trial(channel)

    held.note_outcomes([Refused(channel.pk, "0x0000000B", speaks_of="message")])

    assert held.take_room() == held.batch_size
    assert not Breaker.objects.exists()
    runtime.close_all()


def test_a_message_no_carrier_can_be_told_is_no_trial(channel):
    held = on_trial(channel)

    held.note_outcomes([Refused(channel.pk, "unencodable", speaks_of="ourselves")])

    assert held.take_room() == 1
    runtime.close_all()


@pytest.mark.parametrize(
    "outcome",
    [
        Refused(uuid4(), "0x00000008", speaks_of="carrier"),
        Unknown(uuid4(), "no answer in time"),
        NotSent(uuid4(), "no place in the window in time"),
    ],
    ids=lambda outcome: type(outcome).__name__,
)
def test_a_carrier_that_fails_its_trial_rests_longer(outcome, channel):
    held = on_trial(channel)
    seconds_later(60)

    held.note_outcomes([outcome])

    assert rest() > breakers.TRIAL_SECONDS
    runtime.close_all()


def test_a_channel_that_is_left_alone_is_no_reason_to_give_up_a_process(channel):
    runtime.open_channel(channel.pk)
    assert runtime.idle_channels() == [channel.pk]

    open_for(channel)
    runtime.open_channel(channel.pk)

    assert runtime.idle_channels() == []
    runtime.close_all()


# what the operator sees


def test_the_operator_sees_that_it_is_avoided_and_why(operator, channel):
    bind_of(channel, "w1", binds_up=1)
    open_for(channel)
    seconds_later(-60)

    with operator.scope():
        seen = health(channel_of(operator, channel.pk))

    assert (seen.state, seen.tone, seen.last_error) == ("avoided", "bad", "no answer for 6 s")
    page = signed_in(operator).get(reverse("messaging:channel", args=[channel.pk])).content.decode()
    assert "Avoided" in page and "no answer for 6 s" in page
    seconds_later(60 + breakers.REST_SECONDS)
    assert health(channel_of(operator, channel.pk)).state == "up"
