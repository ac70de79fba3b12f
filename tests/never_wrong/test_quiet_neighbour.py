"""Verification codes of nine organisations while a tenth has thousands of promotions queued: before nearly all of these."""

import threading
import time
from bisect import bisect
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

pytestmark = pytest.mark.django_db(transaction=True)
PROMOTIONS, CODES, NEIGHBOURS = 5_000, 4, 9
#: How long the carrier takes over a batch: nothing is through before a code was asked for.
CARRIER_SECONDS = 0.08
#: How many promotions may leave between a code's acceptance and its own way out: the batches already claimed.
MOST_BEFORE_A_CODE = PROMOTIONS // 2


@pytest.fixture(autouse=True)
def nothing_stays_open(nobody_answers):
    yield
    close_all()


@pytest.fixture
def wire(monkeypatch):
    """Each message's number and when it reached the carrier."""
    arrived: list[tuple[str, float]] = []

    def send(line, batch):
        threading.Event().wait(CARRIER_SECONDS)
        arrived.extend((message.recipient, time.monotonic()) for message in batch)
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


def ask_for_codes(worlds, turns):
    """Everybody asks for a code, turn by turn: when each number's was accepted."""
    asked: dict[str, float] = {}
    for turn in turns:
        for place, world in enumerate(worlds):
            number = f"+4477008{place:02d}{turn:03d}"
            world.accept_drafts([world.draft(number)])
            asked[number] = time.monotonic()
    return asked


def most_promotions_before_a_code(wire):
    """Of the codes asked for before and while promotions go out: behind how many of these the unluckiest had to wait."""
    neighbours = [make_world(category="verification") for _ in range(NEIGHBOURS)]
    loud = make_world(category="promotion", funds="1000.00")
    for _ in range(PROMOTIONS // 1_000):
        loud.accept(1_000)
    asked = ask_for_codes(neighbours, [0])
    with draining(neighbours[0].channel.pk):
        asked |= ask_for_codes(neighbours, range(1, CODES))
        until = time.monotonic() + 60
        while asked.keys() - {number for number, _ in wire}:
            assert time.monotonic() < until, "codes that never reached the carrier"
            threading.Event().wait(0.02)
    promotions = [at for number, at in wire if number not in asked]
    arrived = {number: at for number, at in wire if number in asked}
    return max(bisect(promotions, arrived[number]) - bisect(promotions, at) for number, at in asked.items())


def test_a_large_campaign_keeps_nobodys_code_waiting(wire):
    assert most_promotions_before_a_code(wire) <= MOST_BEFORE_A_CODE


def test_sabotage_without_lanes_and_turns_codes_wait_for_all_of_it(wire, monkeypatch):
    pick = "SELECT message_id FROM engine_queueentry WHERE channel_id = %(channel)s AND due_at <= now() ORDER BY due_at LIMIT %(limit)s"
    monkeypatch.setattr(claiming, "_PICK", f"{pick} FOR UPDATE SKIP LOCKED")
    monkeypatch.setattr(
        claiming, "_pick", lambda channel_id, limit: claiming._pick_lane(channel_id, Lane.NOTICE, limit)
    )

    assert most_promotions_before_a_code(wire) > MOST_BEFORE_A_CODE
