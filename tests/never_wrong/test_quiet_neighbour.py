"""Verification codes of nine organisations while a tenth has thousands of promotions queued: hardly later than alone."""

import threading
import time
from contextlib import contextmanager

import pytest
from django.db import connection

from kit.sql import run
from messaging.channels.runtime import close_all
from messaging.channels.types.base import Sent
from messaging.channels.types.simulator.channel import SimulatorChannel
from messaging.engine.dispatch import claim as claiming
from messaging.engine.dispatch import drain
from messaging.engine.states import Lane
from messaging.engine.tests.factories import make_world
from portal.celery import app

pytestmark = pytest.mark.django_db(transaction=True)
PROMOTIONS, CODES, NEIGHBOURS = 5_000, 4, 9
#: How long the carrier takes over a batch of a hundred: all promotions take several times what a code may be kept.
CARRIER_SECONDS = 0.08
MOST_LATER_SECONDS = 1.0


@pytest.fixture(autouse=True)
def nobody_answers():
    app.conf.task_always_eager = False
    yield
    app.conf.task_always_eager = True
    close_all()


@pytest.fixture
def wire(monkeypatch):
    """When each number reached the carrier."""
    arrived: dict[str, float] = {}

    def send(line, batch):
        threading.Event().wait(CARRIER_SECONDS)
        arrived.update((message.recipient, time.monotonic()) for message in batch)
        return iter([Sent(message.attempt_id, str(message.attempt_id)) for message in batch])

    monkeypatch.setattr(SimulatorChannel, "send", send)
    return arrived


@contextmanager
def draining(channel_id):
    """A worker that drains the channel all the time."""
    stop = threading.Event()

    def work():
        try:
            while not stop.is_set():
                drain(channel_id=channel_id, turn_seconds=2)
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        run("UPDATE engine_queueentry SET due_at = 'infinity'")
        stop.set()
        worker.join()


def codes_take(worlds, wire):
    """Everybody asks for a code, again and again: the slowest way from being accepted to the wire."""
    asked: dict[str, float] = {}
    for turn in range(CODES):
        for place, world in enumerate(worlds):
            number = f"+4477008{place:02d}{turn:03d}"
            world.accept_drafts([world.draft(number)])
            asked[number] = time.monotonic()
    until = time.monotonic() + 30
    while asked.keys() - wire.keys() and time.monotonic() < until:
        threading.Event().wait(0.02)
    return max(wire.get(number, until) - at for number, at in asked.items())


def how_much_later(wire):
    """What the promotions of one add to the codes of the others."""
    neighbours = [make_world(category="verification") for _ in range(NEIGHBOURS)]
    channel_id = neighbours[0].channel.pk
    with draining(channel_id):
        alone = codes_take(neighbours, wire)
    wire.clear()
    loud = make_world(category="promotion", funds="1000.00")
    for _ in range(PROMOTIONS // 1_000):
        loud.accept(1_000)
    with draining(channel_id):
        beside = codes_take(neighbours, wire)
    return beside - alone


def test_a_large_campaign_keeps_nobodys_code_waiting(wire):
    assert how_much_later(wire) < MOST_LATER_SECONDS


def test_sabotage_without_lanes_and_turns_codes_wait_for_all_of_it(wire, monkeypatch):
    pick = "SELECT message_id FROM engine_queueentry WHERE channel_id = %(channel)s AND due_at <= now() ORDER BY due_at LIMIT %(limit)s"
    monkeypatch.setattr(claiming, "_PICK", f"{pick} FOR UPDATE SKIP LOCKED")
    monkeypatch.setattr(
        claiming, "_pick", lambda channel_id, limit: claiming._pick_lane(channel_id, Lane.NOTICE, limit)
    )

    assert how_much_later(wire) > MOST_LATER_SECONDS
