"""The demo carrier, spoken to by our own channel: each mood does what it says."""

import asyncio
import json
import threading
from contextlib import contextmanager

import httpx
import pytest

from messaging.channels.types.base import NotSent, Refused, Sent, Unknown
from messaging.channels.types.smpp import pdu
from messaging.channels.types.smpp.endpoints import connect
from messaging.channels.types.smpp.session import BindRefused, Limits, SessionHandler
from portal.stack.carrier.control import Control
from portal.stack.carrier.journal import read_journal
from portal.stack.carrier.rules import Rule, Rules, verdict
from portal.stack.carrier.testing import running_carrier
from portal.stack.carrier.tests.clients import SECONDS, Mailbox, make_batch, opened, until

QUICK = {"receipt_delay": 0.01}


@pytest.mark.parametrize(
    ("_case", "credentials", "status"),
    [
        ("wrong password", {"password": "demo9999"}, pdu.INVALID_PASSWORD),
        ("wrong name", {"system_id": "somebody"}, pdu.INVALID_SYSTEM_ID),
    ],
)
def test_strangers_are_not_let_in(log, _case, credentials, status):
    with running_carrier(log) as carrier, opened(carrier, **credentials) as channel:
        assert channel.state().bind == "refused"
        assert f"0x{status:08X}" in channel.state().last_error
        assert [type(outcome) for outcome in channel.send(make_batch(1))] == [NotSent]

    assert read_journal(log) == []


def test_every_message_ends_as_the_verdict_predicts(log):
    rules = Rules(default=Rule(undelivered=0.3, **QUICK))
    batch, mailbox = make_batch(300), Mailbox()

    with running_carrier(log, rules=rules) as carrier, opened(carrier, on_inbound=mailbox) as channel:
        sent = {outcome.attempt_id: outcome.reference for outcome in channel.send(batch)}
        receipts = {receipt.reference: receipt for receipt in mailbox.receipts(channel, 300)}

    states = {"DELIVRD": "delivered", "UNDELIV": "undelivered", "EXPIRED": "expired"}
    for outgoing in batch:
        receipt, fate = receipts[sent[outgoing.attempt_id]], verdict(outgoing.recipient, rules, 7)
        assert (receipt.state, receipt.error_code) == (states[fate.state], fate.error_code)
        assert receipt.user_message_reference == outgoing.reference
        assert receipt.recipient == outgoing.recipient
    assert {receipt.state for receipt in receipts.values()} == {"delivered", "undelivered", "expired"}


def test_the_journal_shows_each_message_exactly_once(log):
    batch = make_batch(250)

    with running_carrier(log) as carrier, opened(carrier) as channel:
        sent = {outcome.reference for outcome in channel.send(batch)}

    lines = read_journal(log)
    assert sorted(line["destination"] for line in lines) == sorted(one.recipient[1:] for one in batch)
    assert {line["message_id"] for line in lines} == sent
    assert {line["status"] for line in lines} == {0}
    assert lines[0].keys() >= {"time", "source", "user_message_reference", "sha256", "length", "text"}


def test_a_durable_journal_is_on_file_before_the_answer(log):
    with running_carrier(log, durable_log=True) as carrier, opened(carrier) as channel:
        for place, outgoing in enumerate(make_batch(20), start=1):
            list(channel.send([outgoing]))
            assert len(read_journal(log)) == place


def test_a_receipt_may_come_twice(log):
    mailbox = Mailbox()

    with (
        running_carrier(log, rules=Rules(default=Rule(duplicate=1, **QUICK))) as carrier,
        opened(carrier, on_inbound=mailbox) as channel,
    ):
        list(channel.send(make_batch(1)))
        first, second = (mailbox.news.get(timeout=SECONDS) for _ in range(2))

    assert first.key == second.key


def test_an_earlier_state_may_follow_the_final_one(log):
    mailbox = Mailbox()

    with (
        running_carrier(log, rules=Rules(default=Rule(out_of_order=1, **QUICK))) as carrier,
        opened(carrier, on_inbound=mailbox) as channel,
    ):
        list(channel.send(make_batch(1)))
        receipts = mailbox.receipts(channel, 2)

    assert [receipt.state for receipt in receipts] == ["delivered", "accepted"]


def test_a_receipt_may_come_before_the_answer_to_its_submit(log):
    class Client(SessionHandler):
        def __init__(self):
            self.heard = asyncio.Queue()

        def requests_arrived(self, session, requests):
            for sequence, _body in requests:
                self.heard.put_nowait("receipt")
                session.answer(pdu.DELIVER_SM, sequence, pdu.OK, b"\0")

        def answers_arrived(self, session, answers):
            for _answer in answers:
                self.heard.put_nowait("answer")

    async def story(port):
        client = Client()
        session = await connect(
            client, host="127.0.0.1", port=port, command=pdu.BIND_TRANSCEIVER, bind=pdu.Bind("demo", "demo1234")
        )
        body = pdu.encode_message(pdu.Message("S", "8613800130000", b"Hi", registered_delivery=1))
        session.request(pdu.SUBMIT_SM, body, "submit")
        heard = [await asyncio.wait_for(client.heard.get(), SECONDS) for _ in range(2)]
        await session.unbind(patience=1)
        return heard

    with running_carrier(log, rules=Rules(default=Rule(early=1))) as carrier:
        assert asyncio.run(story(carrier.port)) == ["receipt", "answer"]


def test_a_throttled_submit_may_be_welcome_at_the_next_try(log):
    rules = Rules(default=Rule(throttled=0.5))

    with running_carrier(log, rules=rules) as carrier, opened(carrier, window=1, queue_seconds=60) as channel:
        outcomes = list(channel.send(make_batch(12)))
        journal = carrier.journal

    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert {(outcome.code, outcome.retry) for outcome in refused} == {("0x00000058", True)}
    assert 0 < len(refused) < 12
    assert [line["status"] for line in journal].count(0x58) == len(refused)


def test_a_refused_destination_is_a_definite_no(log):
    with running_carrier(log, rules=Rules(default=Rule(refused=1))) as carrier, opened(carrier) as channel:
        [outcome] = channel.send(make_batch(1))

    assert (outcome.code, outcome.retry) == ("0x0000000B", False)


def test_a_silent_carrier_leaves_the_outcome_unknown_and_its_journal_knows(log):
    with running_carrier(log, rules=Rules(silent=True)) as carrier, opened(carrier) as channel:
        outcomes = list(channel.send(make_batch(3)))

    assert [type(outcome) for outcome in outcomes] == [Unknown] * 3
    assert [line["status"] for line in read_journal(log)] == [None] * 3


def test_a_line_may_drop_after_so_many_submits(log):
    with running_carrier(log, rules=Rules(drop_after=3)) as carrier, opened(carrier, window=1) as channel:
        outcomes = list(channel.send(make_batch(5)))

    assert [type(outcome) for outcome in outcomes] == [Sent, Sent, Unknown, NotSent, NotSent]
    assert len(read_journal(log)) == 3


def test_binds_are_refused_until_told_otherwise(log):
    with running_carrier(log, rules=Rules(refuse_binds=True)) as carrier, opened(carrier) as channel:
        assert channel.state().bind == "refused"
        carrier.replace_rules(Rules())
        until(lambda: channel.state().bind == "bound")


def test_an_answer_may_take_its_time(log):
    rules = Rules(default=Rule(answer_delay=0.1))

    with running_carrier(log, rules=rules) as carrier, opened(carrier) as channel:
        assert [type(outcome) for outcome in channel.send(make_batch(20))] == [Sent] * 20


def test_no_receipt_ever_is_possible(log):
    with (
        running_carrier(log, rules=Rules(default=Rule(no_receipt=1, **QUICK))) as carrier,
        opened(carrier) as channel,
    ):
        list(channel.send(make_batch(5)))

        assert carrier.stats()["receipts_kept"] == 0


def test_receipts_that_could_not_be_stored_come_again(log):
    mailbox = Mailbox(failures=1)

    with (
        running_carrier(log, rules=Rules(default=Rule(**QUICK))) as carrier,
        opened(carrier, on_inbound=mailbox) as channel,
    ):
        sent = {outcome.reference for outcome in channel.send(make_batch(5))}
        received = {receipt.reference for receipt in mailbox.receipts(channel, 5)}
        until(lambda: carrier.stats()["receipts_acknowledged"] == 5)
        stats = carrier.stats()

    assert received == sent
    assert stats["receipts_retried"] >= 1
    assert stats["receipts_kept"] == 0


def test_receipts_wait_for_the_next_bind_when_the_client_goes(log):
    mailbox, is_stuck, may_go = Mailbox(), threading.Event(), threading.Event()

    def stick(news):
        is_stuck.set()
        may_go.wait(SECONDS)
        raise ConnectionError("killed before the news was stored")

    with running_carrier(log, rules=Rules(default=Rule(**QUICK))) as carrier:
        with opened(carrier, on_inbound=stick) as channel:
            sent = {outcome.reference for outcome in channel.send(make_batch(5))}
            assert is_stuck.wait(SECONDS)
            carrier.drop_lines()
            may_go.set()
        with opened(carrier, on_inbound=mailbox) as channel:
            received = {receipt.reference for receipt in mailbox.receipts(channel, 5)}
            until(lambda: carrier.stats()["receipts_kept"] == 0)

    assert received == sent


def test_a_carrier_full_of_receipts_says_so(log):
    with running_carrier(log, receipts_kept=3) as carrier, opened(carrier, bind="transmitter", window=1) as channel:
        outcomes = list(channel.send(make_batch(5)))

    assert [type(outcome) for outcome in outcomes] == [Sent] * 3 + [Refused] * 2
    assert outcomes[-1].code == "0x00000014"


def test_a_receiver_hears_what_a_transmitter_sent(log):
    mailbox = Mailbox()

    with (
        running_carrier(log, rules=Rules(default=Rule(**QUICK))) as carrier,
        opened(carrier, bind="receiver", on_inbound=mailbox) as receiver,
        opened(carrier, bind="transmitter") as transmitter,
    ):
        [sent] = transmitter.send(make_batch(1))
        [not_sent] = receiver.send(make_batch(1))
        [receipt] = mailbox.receipts(receiver, 1)

    assert receipt.reference == sent.reference
    assert isinstance(not_sent, NotSent)


def test_a_flood_of_receipts_does_not_hold_up_sending(log):
    mailbox = Mailbox()

    with (
        running_carrier(log, rules=Rules(default=Rule(receipt_delay=0))) as carrier,
        opened(carrier, on_inbound=mailbox, response_timeout_seconds=SECONDS) as channel,
    ):
        sent = {outcome.reference for outcome in channel.send(make_batch(3_000))}
        received = {receipt.reference for receipt in mailbox.receipts(channel, 3_000)}

    assert received == sent


# the control endpoint


@contextmanager
def controlled(carrier):
    control = Control(carrier._carrier, carrier._loop, port=0)
    try:
        yield f"http://127.0.0.1:{control.port}"
    finally:
        control.close()


def call(url, body=None, *, headers=None, method="POST"):
    known = {"Content-Type": "application/json", **(headers or {})}
    answer = httpx.request(method, url, content=json.dumps(body or {}), headers=known, timeout=SECONDS)
    return answer.status_code, answer.json()


@pytest.mark.parametrize("said", ["STOP", "停止 please", "€" * 200])
def test_a_handset_writes_on_request(log, said):
    mailbox = Mailbox()

    with (
        running_carrier(log) as carrier,
        controlled(carrier) as url,
        opened(carrier, on_inbound=mailbox) as channel,
    ):
        asked = call(f"{url}/inbound", {"from": "+447700900123", "to": "80800", "text": said})
        text = channel.parse_inbound(mailbox.news.get(timeout=SECONDS).raw)

    assert asked == (200, {"sent": True})
    assert (text.sender, text.recipient, text.body) == ("+447700900123", "80800", said)


def test_rules_are_replaced_and_lines_dropped_while_it_runs(log):
    with running_carrier(log) as carrier, controlled(carrier) as url, opened(carrier) as channel:
        assert call(f"{url}/rules", {"default": {"refused": 1}}) == (200, {"prefixes": 0})
        assert [type(outcome) for outcome in channel.send(make_batch(1))] == [Refused]
        assert call(f"{url}/drop") == (200, {"dropped": 1})
        until(lambda: call(f"{url}/stats", method="GET")[1]["binds"] == 2)
        assert call(f"{url}/stats", method="GET")[1]["refused_0x0B"] == 1


@pytest.mark.parametrize(
    ("_case", "path", "body", "headers", "status"),
    [
        ("an unknown path", "/elsewhere", {}, {}, 404),
        ("a rule nobody knows", "/rules", {"colour": "red"}, {}, 400),
        ("not an object", "/rules", [1], {}, 400),
        ("a text without recipient", "/inbound", {"from": "1", "text": "x"}, {}, 400),
        ("a sender with a NUL", "/inbound", {"from": "1\0", "to": "2", "text": "x"}, {}, 400),
        ("half a character", "/inbound", {"from": "1", "to": "2", "text": "\ud83d"}, {}, 400),
        ("a form from a web page", "/drop", {}, {"Content-Type": "text/plain"}, 415),
        ("another host name", "/drop", {}, {"Host": "evil.example"}, 403),
    ],
)
def test_the_control_endpoint_refuses_what_it_cannot_do(log, _case, path, body, headers, status):
    with running_carrier(log) as carrier, controlled(carrier) as url:
        answered, said = call(f"{url}{path}", body, headers=headers)

        assert answered == status
        assert said["error"]
        assert carrier.stats()["receipts_kept"] == 0


def test_independent_limits_hold_when_many_lines_bind(log):
    async def story(port):
        bind = pdu.Bind("demo", "demo1234")
        sessions = await asyncio.gather(*(
            connect(
                SessionHandler(), host="127.0.0.1", port=port, command=pdu.BIND_TRANSCEIVER, bind=bind, limits=Limits()
            )
            for _ in range(50)
        ))  # fmt: skip
        for _ in range(20):
            with pytest.raises(BindRefused):
                await connect(
                    SessionHandler(), host="127.0.0.1", port=port, command=pdu.BIND_TRANSCEIVER,
                    bind=pdu.Bind("demo", "guess"),
                )  # fmt: skip
        await asyncio.gather(*(session.unbind(patience=1) for session in sessions))

    with running_carrier(log) as carrier:
        asyncio.run(story(carrier.port))
        until(lambda: carrier.stats()["lines"] == 0)
        assert carrier.stats()["binds_refused"] == 20
