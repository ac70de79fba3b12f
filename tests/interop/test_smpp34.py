"""smpp34 and we understand each other, whoever is the carrier."""

import asyncio
import queue
import socket
import uuid

import pytest
import smpp34

from messaging.channels.tests.lines import until
from messaging.channels.types.base import NotSent, Outgoing, ParsedInbound, Refused, Sent
from messaging.channels.types.smpp import parts, pdu, text
from messaging.channels.types.smpp.link import SmppChannel
from messaging.channels.types.smpp.receipts import parse_inbound
from messaging.content.rules.segments import count_segments
from portal.stack.carrier.rules import Rule, Rules
from portal.stack.carrier.testing import running_carrier

SECONDS = 10
LONG = "Dear customer, your order {0} is on its way [today]. " * 8
CHINESE = "您的订单已发货，请注意查收。😀" * 12


def make_message(body):
    size = count_segments(body)
    return Outgoing(uuid.uuid4(), "Signalbox", "+447911123456", body, size.encoding, size.segments, 258)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def with_their_server(story, **config):
    """Run `story(server, esme, channel, news)` with our channel bound to a server of theirs."""

    async def main():
        port, news = free_port(), queue.SimpleQueue()
        server = smpp34.Server(host="127.0.0.1", port=port, system_id="SIM")
        await server.start()
        channel = SmppChannel(
            {"host": "127.0.0.1", "port": port, "system_id": "demo", "password": "secret", **config},
            on_inbound=lambda pieces: [news.put(piece) for piece in pieces],
        )
        await asyncio.to_thread(channel.open)
        try:
            esme = await server.next()
            await asyncio.wait_for(story(server, esme, channel, news), SECONDS)
        finally:
            await asyncio.to_thread(channel.close)
            await server.stop()

    asyncio.run(main())


def as_message(event):
    """What their server saw, read by our decoder's type."""
    tlvs = {tlv.tag: bytes(tlv.value) for tlv in event.tlvs}
    octets = tlvs.get(pdu.MESSAGE_PAYLOAD, bytes(event.short_message))
    return pdu.Message(
        event.source_addr, event.destination_addr, octets, event.data_coding, esm_class=event.esm_class, tlvs=tlvs
    )


@pytest.mark.parametrize("way", parts.WAYS)
@pytest.mark.parametrize(
    "body", ["Hello, 5 €!", "您好", LONG, CHINESE], ids=["short", "chinese", "long", "long chinese"]
)
def test_their_server_gets_what_we_send_and_its_receipts_find_it(way, body):
    async def story(server, esme, channel, news):
        outcomes = channel.send([make_message(body)])
        total = 1 if way == "payload" else count_segments(body).segments
        seen = {}
        for _ in range(total):  # their events come in no order of ours
            event = await server.next()
            message = as_message(event)
            number = (parts.place_of(message) or parts.Place(0, 1, 1)).number
            seen[number] = parse_inbound(message).body
            event.accept(message_id=f"q{number}")
        [outcome] = await asyncio.to_thread(list, outcomes)
        assert isinstance(outcome, Sent)
        assert (outcome.reference, *outcome.further) == tuple(f"q{number}" for number in sorted(seen))
        assert "".join(seen[number] for number in sorted(seen)) == body
        for number in sorted(seen):
            words = (
                f"id:q{number} sub:001 dlvrd:001 submit date:2611221200 done date:2611221201 stat:DELIVRD err:000 text:"
            )
            acknowledged = await esme.deliver_sm("Signalbox", words.encode(), source_addr="447911123456", esm_class=4)
            assert acknowledged.is_success
        receipts = [channel.parse_receipt(news.get(timeout=SECONDS).raw) for _ in range(total)]
        assert [(receipt.reference, receipt.state) for receipt in receipts] == [
            (f"q{number}", "delivered") for number in sorted(seen)
        ]

    with_their_server(story, long_messages=way)


def test_their_refusal_is_a_refusal_and_their_throttling_is_tried_again():
    async def story(server, esme, channel, news):
        refused = channel.send([make_message("Hi")])
        (await server.next()).reject(smpp34.ESME_RINVDSTADR)
        assert [type(outcome) for outcome in await asyncio.to_thread(list, refused)] == [Refused]
        long = channel.send([make_message("x" * 200)])
        (await server.next()).reject(smpp34.ESME_RTHROTTLED)
        for name in ("one", "another"):
            (await server.next()).accept(message_id=name)
        [outcome] = await asyncio.to_thread(list, long)
        assert {outcome.reference, *outcome.further} == {"one", "another"}

    with_their_server(story)


@pytest.mark.parametrize(
    ("said", "data_coding"), [("STOP € ^", text.GSM7), ("Grüße", text.LATIN1), ("退订😀", text.UCS2)]
)
def test_we_read_a_text_from_a_handset_by_their_server(said, data_coding):
    octets = {text.GSM7: text.encode_gsm7, text.LATIN1: lambda said: said.encode("latin-1")}.get(
        data_coding, lambda said: said.encode("utf-16-be")
    )(said)

    async def story(server, esme, channel, news):
        answered = await esme.deliver_sm(
            "80800", octets, source_addr="447911123456", source_addr_ton=1, data_coding=data_coding
        )
        assert answered.is_success
        piece = await asyncio.to_thread(news.get, timeout=SECONDS)
        assert channel.parse_inbound(piece.raw) == ParsedInbound("+447911123456", "80800", said)

    with_their_server(story)


def test_a_server_of_theirs_that_goes_leaves_nothing_half_said():
    async def story(server, esme, channel, news):
        await server.stop()
        [outcome] = await asyncio.to_thread(lambda: list(channel.send([make_message("Hi")])))
        assert not isinstance(outcome, Sent)
        await asyncio.to_thread(until, lambda: channel.state().bind != "bound")
        [outcome] = await asyncio.to_thread(lambda: list(channel.send([make_message("Hi")])))
        assert isinstance(outcome, NotSent)

    with_their_server(story, response_timeout_seconds=1)


def with_our_carrier(tmp_path, story):
    async def main():
        with running_carrier(tmp_path / "submits.jsonl", rules=Rules(default=Rule(receipt_delay=0.05))) as carrier:
            peer = await smpp34.Client(
                host="127.0.0.1", port=carrier.port, system_id="demo", password="demo1234"
            ).connect()
            await asyncio.wait_for(story(carrier, peer), SECONDS)
            await peer.unbind()

    asyncio.run(main())


@pytest.mark.parametrize("body", ["Hello, 5 €!", "您好😀"], ids=["gsm7", "ucs2"])
def test_their_client_sends_to_our_carrier_and_hears_its_receipt(tmp_path, body):
    coding, octets = text.encode(body, count_segments(body).encoding)

    async def story(carrier, peer):
        answer = await peer.submit_sm(
            "447911123456", octets, source_addr="SIGN", data_coding=coding, registered_delivery=1,
            tlvs=[smpp34.Tlv(pdu.USER_MESSAGE_REFERENCE, b"\1\2")],
        )  # fmt: skip
        receipt = await peer.next()
        assert answer.is_success
        assert f"id:{answer.message_id} ".encode() in receipt.short_message
        assert {tlv.tag: bytes(tlv.value) for tlv in receipt.tlvs}[pdu.USER_MESSAGE_REFERENCE] == b"\1\2"
        assert [line["text"] for line in carrier.journal] == [body]

    with_our_carrier(tmp_path, story)


@pytest.mark.parametrize("way", ["udh8", "udh16", "sar"])
def test_their_clients_long_messages_arrive_whole_with_a_receipt_for_each_part(tmp_path, way):
    pieces = parts.cut_gsm7(text.encode_gsm7(LONG), parts.room_of("gsm7", way))

    async def story(carrier, peer):
        names = set()
        for piece, header in zip(pieces, parts.headers(way, 7, len(pieces)), strict=True):
            answer = await peer.submit_sm(
                "447911123456", header.octets + piece, source_addr="SIGN", registered_delivery=1,
                esm_class=pdu.HAS_HEADER if header.octets else 0,
                tlvs=[smpp34.Tlv(tag, value) for tag, value in header.tlvs.items()],
            )  # fmt: skip
            names.add(answer.message_id)
        receipts = [await peer.next() for _ in names]
        assert {receipt.short_message.split()[0].removeprefix(b"id:").decode() for receipt in receipts} == names
        assert [line["whole"] for line in carrier.journal if "whole" in line] == [LONG]

    with_our_carrier(tmp_path, story)
