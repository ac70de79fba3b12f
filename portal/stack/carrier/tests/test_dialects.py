"""The demo carrier in the dialects of others: long messages, ids in two bases, receipts in one form, questions."""

import queue
import random
import time
import uuid

import pytest

from messaging.channels.types.base import Outgoing, Refused, Sent
from messaging.channels.types.smpp import pdu
from messaging.content.rules.segments import count_segments
from portal.stack.carrier.rules import Rule, Rules
from portal.stack.carrier.testing import running_carrier
from portal.stack.carrier.tests.clients import SECONDS, Mailbox, make_batch, opened, until

QUICK = Rule(receipt_delay=0.01)
LATER = Rule(receipt_delay=3_600)


def make_message(body, number=0):
    size = count_segments(body)
    recipient = f"+861380013{number:04d}"
    return Outgoing(uuid.uuid4(), "Signalbox", recipient, body, size.encoding, size.segments, number + 1)


@pytest.mark.parametrize("way", ["udh8", "udh16", "sar", "payload"])
@pytest.mark.parametrize("body", ["Hello € " * 60, "你好😀" * 50], ids=["gsm7", "ucs2"])
def test_a_long_message_arrives_whole_with_a_receipt_for_each_part(log, way, body):
    mailbox = Mailbox()
    with (
        running_carrier(log, rules=Rules(default=QUICK)) as carrier,
        opened(carrier, on_inbound=mailbox, long_messages=way) as channel,
    ):
        [outcome] = channel.send([make_message(body)])
        names = {outcome.reference, *outcome.further}
        receipts = mailbox.receipts(channel, len(names))
        journal = carrier.journal

    assert {receipt.reference for receipt in receipts} == names
    assert {receipt.state for receipt in receipts} == {"delivered"}
    if way == "payload":
        assert [line["text"] for line in journal] == [body]
    else:
        assert [line["part"]["number"] for line in journal] == list(range(1, len(names) + 1))
        assert {line["part"]["total"] for line in journal} == {len(names)}
        assert [line["whole"] for line in journal if "whole" in line] == [body]


def test_packed_texts_are_read(log):
    body = "Twelve [long] lines of text. " * 12
    with (
        running_carrier(log, rules=Rules(default=QUICK), is_packed=True) as carrier,
        opened(carrier, gsm7="packed") as channel,
    ):
        assert [type(outcome) for outcome in channel.send([make_message("Hi"), make_message(body)])] == [Sent, Sent]
        journal = carrier.journal

    assert [line.get("whole", line["text"]) for line in journal if line.get("part", {}).get("number", 3) == 3] == [
        "Hi",
        body,
    ]


@pytest.mark.parametrize("form", ["text", "parameters", "both"])
@pytest.mark.parametrize("is_decimal", [True, False])
def test_receipts_meet_their_answers_in_any_dialect(log, form, is_decimal):
    mailbox, options = Mailbox(), {"receipt_ids": "hex_to_decimal"} if is_decimal else {}
    wanted = {"text": "text", "parameters": "parameters", "both": "auto"}[form]
    with (
        running_carrier(log, rules=Rules(default=QUICK), receipt_form=form, decimal_receipts=is_decimal) as carrier,
        opened(carrier, on_inbound=mailbox, receipt_format=wanted, **options) as channel,
    ):
        outcomes = list(channel.send(make_batch(20)))
        receipts = mailbox.receipts(channel, 20)

    assert {receipt.reference for receipt in receipts} == {outcome.reference for outcome in outcomes}
    assert all(outcome.reference.isdecimal() for outcome in outcomes) == is_decimal


@pytest.mark.parametrize("is_decimal", [True, False])
def test_a_carrier_can_be_asked_what_became_of_a_message(log, is_decimal):
    rules = Rules(default=LATER, prefixes={"8613800130001": Rule(receipt_delay=0, no_receipt=1)})
    options = {"receipt_ids": "hex_to_decimal"} if is_decimal else {}
    with (
        running_carrier(log, rules=rules, decimal_receipts=is_decimal) as carrier,
        opened(carrier, **options) as channel,
    ):
        batch = make_batch(2)
        names = {outcome.attempt_id: outcome.reference for outcome in channel.send(batch)}
        first, second = (names[outgoing.attempt_id] for outgoing in batch)
        answers = channel.query([first, second, "no-such-message"], source="Signalbox")

        assert channel.query([first], source="Another") == []

    assert {answer.reference: answer.state for answer in answers} == {first: "accepted", second: "delivered"}
    assert [answer.at is not None for answer in answers] == [False, True]


def test_questions_are_asked_a_few_at_a_time_while_sending_goes_on(log):
    rules = Rules(default=Rule(receipt_delay=0, no_receipt=1))
    with running_carrier(log, rules=rules) as carrier, opened(carrier) as channel:
        names = [outcome.reference for outcome in channel.send(make_batch(100))]
        answers = channel.query(names, source="Signalbox")

        assert [type(outcome) for outcome in channel.send(make_batch(1))] == [Sent]

    assert {answer.reference for answer in answers} == set(names)


def test_a_channel_that_is_closed_is_asked_in_vain(log):
    with running_carrier(log) as carrier, opened(carrier) as channel:
        channel.close()

        assert channel.query(["a"], source="Signalbox") == []


def test_five_refusals_in_a_hundred_cost_little(log):
    """A thousand messages with 0x58 for one in twenty: all get through, and the pace holds."""

    def seconds_for(share):
        rules = Rules(default=Rule(receipt_delay=3_600, throttled=share))
        with (
            running_carrier(log.with_name(f"{share}.jsonl"), rules=rules) as carrier,
            opened(carrier, window=50, response_timeout_seconds=SECONDS) as channel,
        ):
            begun, left = time.monotonic(), make_batch(1_000)
            while left:
                outcomes = {outcome.attempt_id: outcome for outcome in channel.send(left)}
                refused = [one for one in left if isinstance(outcomes[one.attempt_id], Refused)]
                left = [replaced(one) for one in refused]
            taken = sum(line["status"] == pdu.OK for line in carrier.journal)
        assert taken == 1_000
        return time.monotonic() - begun

    quiet, complaining = seconds_for(0), seconds_for(0.05)

    assert complaining < quiet + 2  # 40 a second, as with a pause that doubles, would be 25 s


def replaced(outgoing):
    return Outgoing(
        uuid.uuid4(),
        outgoing.sender,
        outgoing.recipient,
        outgoing.body,
        "gsm7",
        1,
        random.Random(outgoing.reference).randint(1, 65_535),
    )


def test_throttled_parts_of_long_messages_leave_again_by_themselves(log):
    rules = Rules(default=Rule(receipt_delay=3_600, throttled=0.3))
    with (
        running_carrier(log, rules=rules) as carrier,
        opened(carrier, response_timeout_seconds=SECONDS) as channel,
    ):
        outcomes = list(channel.send([make_message("x" * 450, number) for number in range(30)]))
        wholes = [line for line in carrier.journal if "whole" in line]

    assert [type(outcome) for outcome in outcomes] == [Sent] * 30
    assert len(wholes) == 30
    assert {line["whole"] for line in wholes} == {"x" * 450}


def test_receipts_may_come_by_any_of_several_binds(log):
    news = queue.SimpleQueue()
    with (
        running_carrier(log, rules=Rules(default=QUICK)) as carrier,
        opened(carrier, binds=4, on_inbound=lambda pieces: [news.put(piece) for piece in pieces]) as channel,
    ):
        until(lambda: channel.state().binds_up == 4)
        outcomes = list(channel.send(make_batch(200)))
        receipts = [channel.parse_receipt(news.get(timeout=SECONDS).raw) for _ in range(200)]

    assert {receipt.reference for receipt in receipts} == {outcome.reference for outcome in outcomes}


@pytest.mark.parametrize("bind", ["pair", "transceiver"])
def test_a_pair_of_binds_sends_by_one_and_hears_by_the_other(log, bind):
    mailbox = Mailbox()
    with (
        running_carrier(log, rules=Rules(default=QUICK)) as carrier,
        opened(carrier, bind=bind, on_inbound=mailbox) as channel,
    ):
        wanted = 2 if bind == "pair" else 1
        until(lambda: channel.state().binds_up == wanted)
        [outcome] = channel.send(make_batch(1))
        [receipt] = mailbox.receipts(channel, 1)

    assert receipt.reference == outcome.reference
    assert carrier.settings.system_id == "demo"
