"""Receipts that never came: the carrier is asked, and its answer ends the message as the receipt would have."""

import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.db.models import F

from billing.ledger.models import Account
from kit import tenancy
from messaging.channels.runtime import DEFAULT_SOURCE
from messaging.channels.types.base import ParsedReceipt, Sent
from messaging.engine.models import Attempt, Message
from messaging.engine.receipts import asking
from messaging.engine.states import Status
from messaging.engine.tests.factories import make_world

pytestmark = pytest.mark.django_db


class Line:
    """A carrier that answers questions as it was told, and remembers them."""

    def __init__(self, *, minutes=30, **answers):
        self.query_after_minutes, self.answers, self.asked = minutes, answers, []

    def query(self, references, *, source):
        self.asked.append((source, sorted(references)))
        states = [(reference, self.answers.get(reference.replace("-", "_"))) for reference in references]
        return [ParsedReceipt(reference, state, "027" * (state != "delivered")) for reference, state in states if state]


def held(world, line):
    return SimpleNamespace(id=world.channel.pk, line=line, source_address=DEFAULT_SOURCE, is_up=True)


def sent_long_ago(world, *sent, minutes=30):
    """Messages the carrier took under those names, so many minutes before the minute that is about to end."""
    world.accept(len(sent))
    claimed = world.claim()
    outcomes = [Sent(attempt_id, name, further) for attempt_id, (name, *further) in zip(claimed, sent, strict=True)]
    world.record(claimed, [Sent(one.attempt_id, one.reference, tuple(one.further)) for one in outcomes])
    with tenancy.as_engine(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE engine_attempt SET started_at = date_trunc('minute', now()) - make_interval(mins => %s, secs => 30)",
            [minutes],
        )


def statuses():
    with tenancy.as_engine():
        return list(Message.objects.order_by("recipient").values_list("status", flat=True))


def test_an_answer_ends_a_message_as_its_receipt_would_have():
    world, line = make_world(), Line(m1="delivered", m2="undelivered")
    before = world.balance(Account.Kind.WALLET)
    sent_long_ago(world, ("m1",), ("m2",), ("m3",))

    assert asking.ask_carriers([held(world, line)]) == 2

    assert sorted(statuses()) == sorted([Status.DELIVERED, Status.UNDELIVERED, Status.SUBMITTED])
    assert [sorted(references) for _source, references in line.asked] == [["m1", "m2", "m3"]]
    assert world.balance(Account.Kind.WALLET) < before


def test_every_part_of_a_long_message_is_asked_for_and_only_all_of_them_end_it():
    world = make_world()
    sent_long_ago(world, ("p1", "p2", "p3"))

    asking.ask_carriers([held(world, first := Line(p1="delivered", p2="delivered"))])
    assert statuses() == [Status.SUBMITTED]
    asking.ask_carriers([held(world, second := Line(p3="delivered"))])

    assert statuses() == [Status.DELIVERED]
    assert first.asked[0][1] == ["p1", "p2", "p3"]
    assert second.asked[0][1] == ["p3"]  # the others are known


def test_an_answer_that_is_not_final_changes_nothing():
    world, line = make_world(), Line(m1="accepted")
    sent_long_ago(world, ("m1",))

    assert asking.ask_carriers([held(world, line)]) == 0

    assert statuses() == [Status.SUBMITTED]


@pytest.mark.parametrize(
    ("minutes", "is_asked"), [(29, False), (30, True), (31, False), (60, True), (120, True), (90, False)]
)
def test_a_message_is_asked_for_when_it_is_so_old_and_twice_so_old(minutes, is_asked):
    world, line = make_world(), Line(m1="delivered")
    sent_long_ago(world, ("m1",), minutes=minutes)

    asking.ask_carriers([held(world, line)])

    assert bool(line.asked) == is_asked


def test_what_is_final_already_is_not_asked_for():
    world, line = make_world(), Line(m1="undelivered")
    sent_long_ago(world, ("m1",))
    world.report(("m1", "delivered"))

    assert asking.ask_carriers([held(world, line)]) == 0
    assert line.asked == []
    assert statuses() == [Status.DELIVERED]


def test_asking_twice_settles_once():
    world, line = make_world(), Line(m1="delivered")
    sent_long_ago(world, ("m1",))

    asking.ask_carriers([held(world, line)])
    after = world.balance(Account.Kind.WALLET)
    with tenancy.as_engine():
        Message.objects.update(final_at=F("final_at") - timedelta(seconds=1))
    asking.ask_carriers([held(world, line)])

    assert world.balance(Account.Kind.WALLET) == after
    with tenancy.as_engine():
        assert Attempt.objects.count() == 1


@pytest.mark.parametrize("minutes", [None, 0])
def test_a_channel_that_is_not_to_be_asked_is_left_alone(minutes, monkeypatch):
    world, line = make_world(), Line(minutes=minutes)
    sent_long_ago(world, ("m1",))
    monkeypatch.setattr(asking, "open_channels", lambda: [held(world, line)])

    assert asking.begin_asking() is False
    assert asking.ask_carriers([held(world, line)]) == 0
    assert line.asked == []


def test_the_worker_goes_on_while_a_carrier_takes_its_time(monkeypatch):
    asked, may_answer = threading.Event(), threading.Event()

    def slow(channels):
        asked.set()
        may_answer.wait(5)

    monkeypatch.setattr(asking, "ask_carriers", slow)
    monkeypatch.setattr(asking, "open_channels", lambda: [SimpleNamespace(line=Line())])

    assert asking.begin_asking() is True
    assert asked.wait(5)
    assert asking.begin_asking() is False  # the last round is not over
    may_answer.set()
    assert asking._one_at_a_time.acquire(timeout=5)
    asking._one_at_a_time.release()


def test_ages_double_until_the_validity_ends():
    assert asking.ages(30, timedelta(hours=5)) == [30, 60, 120, 240]
    assert asking.ages(600, timedelta(hours=5)) == []
