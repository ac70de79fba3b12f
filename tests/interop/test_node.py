"""npm's `smpp` and we understand each other, whoever is the carrier."""

import queue
import shutil
import uuid
from contextlib import contextmanager

import pytest

from messaging.channels.types.base import Outgoing, Refused, Sent
from messaging.channels.types.smpp.link import SmppChannel
from messaging.content.rules.segments import count_segments
from portal.stack.carrier.rules import Rule, Rules
from portal.stack.carrier.testing import running_carrier
from tests.interop.node import SECONDS, node_peer

pytestmark = pytest.mark.skipif(
    shutil.which("npm") is None, reason="npm is not installed: the independent peer needs it"
)

LONG = "Dear customer, your order {0} is on its way [today]. " * 8
CHINESE = "您的订单已发货，请注意查收。😀" * 12


def make_message(body, number=0, **fields):
    size = count_segments(body)
    known = {"sender": "Signalbox", "recipient": f"+4479111234{number:02d}", "reference": number + 1}
    return Outgoing(uuid.uuid4(), body=body, encoding=size.encoding, segments=size.segments, **{**known, **fields})


@contextmanager
def channel_to_node(**config):
    """A node carrier, our channel bound to it, and the news it brings."""
    news = queue.SimpleQueue()
    with node_peer("server") as peer:
        settings = {"host": "127.0.0.1", "port": peer.next()["port"], "system_id": "demo", "password": "secret"}
        channel = SmppChannel({**settings, **config}, on_inbound=lambda pieces: [news.put(piece) for piece in pieces])
        channel.open()
        try:
            assert peer.next() == {"bound": True}
            yield peer, channel, lambda: channel.parse_receipt(news.get(timeout=SECONDS).raw)
        finally:
            channel.close()
        assert any(said == {"unbound": True} for said in iter(peer.next, None))


def heard(peer, count):
    """The submits the peer saw, without what it says about its receipts."""
    found = []
    while len(found) < count:
        said = peer.next()
        if "destination" in said:
            found.append(said)
    return found


@pytest.mark.parametrize("body", ["Hello, 5 €!", "您好"], ids=["gsm7", "ucs2"])
def test_a_node_carrier_reads_what_we_send_and_we_read_its_receipt(body):
    with channel_to_node() as (peer, channel, next_receipt):
        [outcome] = channel.send([make_message(body, validity_seconds=3_600)])
        [message] = heard(peer, 1)
        receipt = next_receipt()
        assert peer.next() == {"receipt": outcome.reference, "status": 0}

    assert isinstance(outcome, Sent)
    assert (message["text"], message["source"], message["source_ton"]) == (body, "Signalbox", 5)
    assert (message["destination"], message["our_reference"], message["validity"]) == ("447911123400", 1, True)
    assert (receipt.reference, receipt.state, receipt.recipient) == (outcome.reference, "delivered", "+447911123400")


@pytest.mark.parametrize("way", ["udh8", "udh16", "sar", "payload"])
@pytest.mark.parametrize("body", [LONG, CHINESE], ids=["gsm7", "ucs2"])
def test_a_node_carrier_joins_our_long_messages(way, body):
    with channel_to_node(long_messages=way) as (peer, channel, next_receipt):
        [outcome] = channel.send([make_message(body)])
        names = {outcome.reference, *outcome.further}
        submits = heard(peer, len(names))
        receipts = {next_receipt().reference for _ in names}

    assert "".join(submit["text"] for submit in submits) == body
    assert receipts == names
    numbers = [int(submit["udh"][0][-2:], 16) if submit["udh"] else submit["sar"][2] for submit in submits]
    assert numbers == ([None] if way == "payload" else list(range(1, len(names) + 1)))


def test_a_node_carriers_refusal_is_a_refusal():
    with channel_to_node() as (_peer, channel, _receipts):
        [outcome] = channel.send([make_message("Hi", 99)])

    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.retry) == ("0x00000058", True)


def test_a_node_carrier_answers_our_questions():
    with channel_to_node() as (_peer, channel, _receipts):
        [answer] = channel.query(["node-1"], source="Signalbox")

    assert (answer.reference, answer.state, answer.at.isoformat()) == (
        "node-1",
        "delivered",
        "2026-11-22T12:01:00+00:00",
    )


def test_a_thousand_messages_go_through_a_node_carrier():
    with channel_to_node(window=100) as (_peer, channel, next_receipt):
        outcomes = list(channel.send([make_message(f"Number {number}", number % 90) for number in range(1_000)]))
        receipts = {next_receipt().reference for _ in range(1_000)}

    assert receipts == {outcome.reference for outcome in outcomes}


# a node client at our demo carrier


@pytest.fixture
def carrier(tmp_path):
    with running_carrier(tmp_path / "submits.jsonl", rules=Rules(default=Rule(receipt_delay=0.05))) as carrier:
        yield carrier


def submit(text, **fields):
    return {
        "source_addr": "SIGN",
        "destination_addr": "447911123456",
        "registered_delivery": 1,
        "short_message": text,
        **fields,
    }


def test_a_node_client_with_a_wrong_password_is_told_so(carrier):
    with node_peer("client", str(carrier.port), "wrong") as peer:
        assert peer.next() == {"bound": 0x0E}


@pytest.mark.parametrize("text", ["Hello from node, 5 €", "来自节点的问候"], ids=["gsm7", "ucs2"])
def test_a_node_client_sends_and_hears_its_receipt(carrier, text):
    with node_peer("client", str(carrier.port)) as peer:
        assert peer.next() == {"bound": 0}
        peer.tell(submit(text))
        answer, receipt = peer.next(), peer.next()
        peer.tell({"query": answer["id"], "source": "SIGN"})
        assert peer.next() == {"queried": answer["id"], "status": 0, "state": 2}
        peer.finish()
        assert peer.next() == {"unbound": True}

    assert answer["status"] == 0
    assert (receipt["receipt"], receipt["state"], receipt["esm_class"]) == (answer["id"], 2, 4)
    assert f"id:{answer['id']} " in receipt["text"]
    assert [line["text"] for line in carrier.journal] == [text]


def test_a_node_clients_long_messages_arrive_whole(carrier):
    pieces = ["one " * 38, "two " * 38, "three"]
    with node_peer("client", str(carrier.port)) as peer:
        peer.next()
        for number, piece in enumerate(pieces, start=1):
            peer.tell(submit(piece, esm_class=0x40, udh=f"050003 2a03{number:02x}".replace(" ", "")))
        peer.tell(submit("", message_payload="payload " * 60))
        said = peer.take(8)
        wholes = [line["whole"] for line in carrier.journal if "whole" in line]

    assert len([one for one in said if one.get("receipt")]) == 4
    assert wholes == ["".join(pieces)]
    assert carrier.journal[-1]["text"] == "payload " * 60


def test_a_node_client_hears_a_handset(carrier):
    with node_peer("client", str(carrier.port)) as peer:
        peer.next()
        carrier.send_inbound(sender="+447911123456", recipient="80800", said="退订 STOP")
        text = peer.next()

    assert (text["source"], text["destination"], text["text"]) == ("447911123456", "80800", "退订 STOP")
