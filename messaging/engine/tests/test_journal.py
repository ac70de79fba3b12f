"""A message's id is in a log line of every station it passes; its number and text are in none, whatever the level."""

import io
import json
import logging
from datetime import UTC, datetime

import pytest

from accounts.tests.factories import make_api_key
from kit.logs import FactsFormatter, JsonFormatter
from messaging.channels.types.base import NotSent, RawDeliver, Refused, Unknown
from messaging.channels.types.simulator.channel import SimulatorChannel
from messaging.engine import journal
from messaging.engine.dispatch import drain
from messaging.engine.models import Message
from messaging.engine.receipts import fold_all, store_news
from messaging.engine.tests.factories import make_world
from messaging.hooks.tasks import courier
from messaging.hooks.tests.factories import make_webhook

NUMBER, NAME = "+447911123456", "Wilhelmina Canary"


class Lines:
    """Everything logged, by everybody, at every level, as the house writes it."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.handlers = {}
        for name, formatter in (("", JsonFormatter()), ("signalbox.journal", FactsFormatter())):
            handler = logging.StreamHandler(self.stream)
            handler.setFormatter(formatter)
            self.handlers[name] = (handler, logging.getLogger(name).level)

    def __enter__(self) -> "Lines":
        for name, (handler, _) in self.handlers.items():
            logging.getLogger(name).addHandler(handler)
            logging.getLogger(name).setLevel(logging.DEBUG)
        return self

    def __exit__(self, *_) -> None:
        for name, (handler, level) in self.handlers.items():
            logging.getLogger(name).removeHandler(handler)
            logging.getLogger(name).setLevel(level)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    def about(self, id) -> list[dict]:
        lines = [json.loads(line) for line in self.text.splitlines() if line.startswith("{")]
        return [line for line in lines if str(id) in line.get("messages", "")]


@pytest.mark.django_db(transaction=True)
def test_a_message_can_be_followed_through_every_station_and_its_secrets_through_none(client, monkeypatch):
    world = make_world()
    make_webhook(world.customer, url="https://hooks.example.com/in?to=%2B447911123456")
    _, secret = make_api_key(world.customer)
    body = {"to": NUMBER, "template": str(world.wording.id), "variables": {"name": NAME}}
    monkeypatch.setattr(courier, "make", lambda call: courier.Outcome(call.claimed, 500, f"Answered 500 to {NUMBER}"))

    with Lines() as lines:
        answer = client.post(
            "/api/v1/messages", body, content_type="application/json", headers={"Authorization": f"Bearer {secret}"}
        )
        drain(channel_id=world.channel.pk)
        fold_all()
        courier.deliver_ripe()

    id = answer.json()["messages"][0]["id"]
    stations = lines.about(id)
    assert {line["event"] for line in stations} >= {
        "accepted",
        "claimed",
        "handed_over",
        "receipt",
        "settled",
        "webhook_failed",
    }
    assert all(line["organisation"] == str(world.customer.pk) for line in stations if "organisation" in line)
    assert {line["channel"] for line in stations if "channel" in line} == {str(world.channel.pk)}
    for canary in (NUMBER, NUMBER[1:], "7911123456", NAME, secret, "1123456"):
        assert canary not in lines.text, canary


@pytest.mark.django_db
def test_each_outcome_says_what_it_was():
    world = make_world()
    world.accept(3)
    claimed = world.claim()
    first, second, third = claimed
    outcomes = [NotSent(first, "no line"), Refused(second, "0x0B"), Unknown(third, "no answer")]

    with Lines() as lines:
        journal.note_outcomes(claimed, outcomes, channel_id=world.channel.pk)

    said = {line["outcome"]: line["messages"] for line in map(json.loads, lines.text.splitlines())}
    assert said == {
        "not_sent": str(claimed[first].message_id),
        "refused": str(claimed[second].message_id),
        "unknown": str(claimed[third].message_id),
    }


@pytest.mark.django_db
def test_a_word_of_the_carriers_that_we_do_not_know_is_not_repeated():
    world = make_world()
    raw = json.dumps({"reference": "x", "state": "odd", "recipient": NUMBER}).encode()

    with Lines() as lines:
        store_news(
            channel_id=world.channel.pk,
            channel=SimulatorChannel({}),
            news=[RawDeliver("receipt", raw, datetime.now(UTC))],
        )

    assert "1123456" not in lines.text


@pytest.mark.django_db
def test_edges_leave_the_first_the_last_and_how_many(settings):
    settings.LOG_MESSAGE_IDS = "edges"
    world = make_world()
    ids = [message.id for message in world.accept(3).messages]

    with Lines() as lines:
        journal.note("claimed", ids)

    (line,) = map(json.loads, lines.text.splitlines())
    assert (line["first"], line["last"], line["count"]) == (str(ids[0]), str(ids[-1]), 3)
    assert Message.objects.count() == 3
    assert str(ids[1]) not in lines.text
