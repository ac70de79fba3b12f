"""A process dies before any statement, around any commit, before and after the wire: sent at most once, paid for as sent."""

import json
import os
import signal
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client

from accounts.tests.factories import make_api_key
from billing.ledger.books import problems
from billing.ledger.models import Account
from billing.ledger.traffic_invariants import TRAFFIC_INVARIANTS
from kit.money import money
from messaging.channels import runtime
from messaging.channels.types.base import Sent
from messaging.channels.types.simulator.channel import SimulatorChannel
from messaging.engine.dispatch import (
    close_journal,
    drain,
    give_back_of_the_dead,
    give_up_expired_leases,
    keep_journal,
    wire,
)
from messaging.engine.dispatch.records import Written
from messaging.engine.models import Claim, Message
from messaging.engine.receipts import fold_all, store_news
from messaging.engine.settle import expire_overdue
from messaging.engine.states import Status
from messaging.engine.tests.factories import make_world
from messaging.engine.tests.receipts import news_of

pytestmark = pytest.mark.django_db(transaction=True)
DEAD = 128 + signal.SIGKILL
MOST_PLACES = 200
PRICE = money("0.04")


@pytest.fixture(autouse=True)
def nothing_stays_open(nobody_answers, settings, tmp_path):
    settings.VAR_DIR = tmp_path / "var"  # other tests' processes would take the journals of ours for their own dead's
    yield
    runtime.close_all()
    close_journal()


class Doom:
    """Ends the process, as `kill -9` would, at the so-many-eth thing it is about to do."""

    def __init__(self, place):
        self.place, self.seen = place, 0

    def __call__(self):
        self.seen += 1
        if self.seen == self.place:
            os._exit(DEAD)

    def before_statements(self, execute, sql, params, many, context):
        self()
        return execute(sql, params, many, context)


class Journey:
    """One message from the API to its receipt, through a carrier that writes down what it is sent."""

    def __init__(self, folder: Path):
        self.world = make_world(funds="100.00", template="Ready")
        self.secret = make_api_key(self.world.customer)[1]
        self.folder = folder

    def go(self, number, doom):
        """From the request to the final state; what was done before is found done."""
        self._post(number)
        keep_journal()
        give_back_of_the_dead()
        self._drain(number, doom)
        self._hear(number)
        fold_all()

    def submits(self, number):
        log = self.folder / number
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def _post(self, number):
        body = json.dumps({"template": "Ready", "messages": [{"to": number, "variables": {"name": "Ada"}}]})
        headers = {"Authorization": f"Bearer {self.secret}", "Idempotency-Key": number}
        answer = Client().post("/api/v1/messages", body, content_type="application/json", headers=headers)
        assert answer.status_code == 202

    def _drain(self, number, doom):
        def send(line, batch):
            line._on_leaving([message.attempt_id for message in batch])
            doom()
            with (self.folder / number).open("a") as log:
                for message in batch:
                    log.write(json.dumps({"reference": message.reference}) + "\n")
            doom()
            outcomes = [Sent(message.attempt_id, f"carrier {number}") for message in batch]
            line._on_answers(outcomes)
            doom()
            return iter(outcomes)

        SimulatorChannel.send = send
        drain(channel_id=self.world.channel.pk)

    def _hear(self, number):
        """The carrier tells what became of what it was sent."""
        for submit in self.submits(number):
            receipt = {"reference": f"carrier {number}", "state": "delivered", "error_code": "", "recipient": number,
                       "user_message_reference": submit["reference"]}  # fmt: skip
            store_news(channel_id=self.world.channel.pk, **news_of(receipt))


def die_at(journey, number, place):
    """Go, in a process of its own that dies at that place; whether it did, or came to the end before."""
    connection.close()
    child = os.fork()
    if not child:
        code = 1
        try:
            signal.alarm(60)
            doom = Doom(place)
            commit = connection._commit
            connection._commit = lambda: (doom(), commit(), doom())[1]
            with connection.execute_wrapper(doom.before_statements):
                journey.go(number, doom)
            code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, DEAD)
    return code == DEAD


def go_on(journey, number):
    """What happens next in a house: the client asks again, another worker clears up, receipts come, time goes by."""
    journey.go(number, lambda: None)
    Claim.objects.update(lease_until="2020-01-01T00:00Z")
    give_up_expired_leases()
    journey._hear(number)
    fold_all()
    close_journal()
    Message.objects.filter(recipient=number, status=Status.UNKNOWN).update(validity_until="2020-01-01T00:00Z")
    expire_overdue(validity=timedelta())


def journeys(folder, monkeypatch, *, until=lambda sent: False):
    """Die at each place in turn and go on: how often each was sent, and the state it ended in."""
    monkeypatch.setattr(SimulatorChannel, "send", SimulatorChannel.send)  # put back afterwards
    journey, outcomes = Journey(folder), {}
    for place in range(1, MOST_PLACES):
        number = f"+4479111{place:05d}"
        died = die_at(journey, number, place)
        go_on(journey, number)
        states = list(Message.objects.filter(recipient=number).values_list("status", flat=True))
        outcomes[place] = len(journey.submits(number)), states
        if not died or until(outcomes[place][0]):
            return journey, outcomes
    raise AssertionError("it never came to the end")


def test_wherever_a_process_dies_a_message_is_sent_at_most_once_and_paid_for_as_sent(tmp_path, monkeypatch):
    journey, outcomes = journeys(tmp_path, monkeypatch)

    found = Counter((sent, *states) for sent, states in outcomes.values())
    assert found.keys() <= {(1, Status.DELIVERED), (0, Status.EXPIRED)}, outcomes
    assert found[0, Status.EXPIRED] <= 1, "only between the note that it leaves and the wire is it given up unsent"
    assert len(outcomes) >= 20
    assert journey.world.balance(Account.Kind.HOLD) == 0
    assert journey.world.balance(Account.Kind.WALLET) == money("100.00") - found[1, Status.DELIVERED] * PRICE
    assert problems() == problems(TRAFFIC_INVARIANTS) == []


def test_sabotage_if_what_a_dead_worker_had_in_hand_were_simply_sent_again_it_would_be_sent_twice(
    tmp_path, monkeypatch
):
    end = wire.end_claims_of
    monkeypatch.setattr(wire, "end_claims_of", lambda worker, *, read: end(worker, read=lambda: Written(set(), {})))

    _, outcomes = journeys(tmp_path, monkeypatch, until=lambda sent: sent == 2)

    assert max(sent for sent, _ in outcomes.values()) == 2
