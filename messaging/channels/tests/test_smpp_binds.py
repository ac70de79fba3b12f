"""Several binds on one line: they share the work, and none depends on another."""

import threading
from collections import Counter

import pytest

from messaging.channels.tests.lines import make_batch, make_outgoing, opened, until
from messaging.channels.types.base import ConfigInvalid, NotSent, Sent, Unknown
from messaging.channels.types.smpp import pdu
from messaging.channels.types.smpp.config import SmppConfig
from messaging.channels.types.smpp.session import Session
from messaging.channels.types.smpp.testing import PASSWORD, SECONDS, ScriptedCarrier, accepting, scripted_carrier

RECEIPT = pdu.Message("447700900123", "SIGN", b"id:m1 stat:DELIVRD err:000", esm_class=4, source_ton=1)


def all_up(channel, count):
    until(lambda: channel.state().binds_up == count)


def test_a_line_holds_as_many_binds_as_it_is_told():
    with scripted_carrier() as carrier, opened(carrier.port, binds=3) as channel:
        all_up(channel, 3)

        assert (channel.state().bind, channel.state().binds) == ("bound", 3)
        assert len(carrier.sessions) == 3


def test_the_binds_share_what_is_to_be_sent():
    by_session = Counter()

    def answer(session, sequence, message):
        by_session[session] += 1
        accepting()(session, sequence, message)

    with scripted_carrier(answer) as carrier, opened(carrier.port, binds=4, window=5) as channel:
        all_up(channel, 4)
        outcomes = list(channel.send(make_batch(400)))

    assert [type(outcome) for outcome in outcomes] == [Sent] * 400
    assert len(by_session) == 4
    assert min(by_session.values()) >= 40


def test_each_bind_keeps_its_own_window():
    in_hand, most, lock = Counter(), Counter(), threading.Lock()

    def answer(session, sequence, message):
        with lock:
            in_hand[session] += 1
            most[session] = max(most[session], in_hand[session])
        session._loop.call_later(0.005, answered, session, sequence, message)

    def answered(session, sequence, message):
        in_hand[session] -= 1
        accepting()(session, sequence, message)

    with (
        scripted_carrier(answer) as carrier,
        opened(carrier.port, binds=3, window=4, response_timeout_seconds=SECONDS) as channel,
    ):
        all_up(channel, 3)
        assert {type(outcome) for outcome in channel.send(make_batch(200))} == {Sent}

    assert sorted(most.values()) == [4, 4, 4]


def test_a_bind_that_is_refused_does_not_stop_the_others(monkeypatch):
    let_in = []

    def one_only(self: ScriptedCarrier, session: Session, command: int, bind: pdu.Bind) -> int:
        if let_in:
            return pdu.BIND_FAILED
        let_in.append(session)
        return pdu.OK

    monkeypatch.setattr(ScriptedCarrier, "bind_requested", one_only)
    with scripted_carrier() as carrier, opened(carrier.port, binds=3) as channel:
        until(lambda: "bind failed" in channel.state().last_error)
        outcomes = list(channel.send(make_batch(50)))
        state = channel.state()

    assert {type(outcome) for outcome in outcomes} == {Sent}
    assert (state.bind, state.binds_up, state.binds) == ("bound", 1, 3)


def test_one_bind_that_drops_costs_only_what_it_had_in_flight():
    doomed = []

    def answer(session, sequence, message):
        if session in doomed:
            session.close("dropped by the test", at_once=True)
        else:
            accepting()(session, sequence, message)

    with scripted_carrier(answer) as carrier, opened(carrier.port, binds=2, window=1, reconnect_seconds=60) as channel:
        all_up(channel, 2)
        doomed.append(carrier.sessions[0])
        kinds = Counter(type(outcome) for outcome in channel.send(make_batch(20)))
        state = channel.state()

    assert kinds == {Sent: 19, Unknown: 1}
    assert (state.bind, state.binds_up) == ("bound", 1)


def test_what_waits_is_given_back_only_when_no_bind_is_left():
    with (
        scripted_carrier(lambda session, sequence, message: None) as carrier,
        opened(carrier.port, binds=2, window=1, response_timeout_seconds=SECONDS, queue_seconds=60) as channel,
    ):
        all_up(channel, 2)
        outcomes = channel.send(make_batch(5))
        carrier.submits.get(timeout=SECONDS)
        carrier.submits.get(timeout=SECONDS)
        assert channel.state().waiting == 3
        carrier.hang_up()
        kinds = Counter(type(outcome) for outcome in outcomes)

    assert kinds == {Unknown: 2, NotSent: 3}


def test_the_rate_is_that_of_all_binds_together():
    with (
        scripted_carrier() as carrier,
        opened(carrier.port, binds=4, rate_per_second=20, queue_seconds=0.5) as channel,
    ):
        all_up(channel, 4)
        kinds = Counter(type(outcome) for outcome in channel.send(make_batch(100)))

    assert 5 <= kinds[Sent] <= 16
    assert kinds[NotSent] == 100 - kinds[Sent]


def test_news_is_taken_from_every_bind():
    stored = []
    with scripted_carrier() as carrier, opened(carrier.port, binds=3, on_inbound=stored.extend) as channel:
        all_up(channel, 3)
        for number in range(3):
            carrier.sessions.append(carrier.sessions.pop(0))
            carrier.deliver(RECEIPT._replace(text=b"id:%d stat:DELIVRD" % number), number)
        acknowledged = {carrier.delivered.get(timeout=SECONDS) for _ in range(3)}

    assert acknowledged == {(number, pdu.OK) for number in range(3)}
    assert {channel.parse_receipt(piece.raw).reference for piece in stored} == {"0", "1", "2"}


def test_closing_says_goodbye_on_every_bind_and_loses_nothing():
    first = threading.Event()

    def slowly(session, sequence, message):
        first.set()
        session._loop.call_later(0.1, accepting(), session, sequence, message)

    with scripted_carrier(slowly) as carrier:
        with opened(carrier.port, binds=3, window=10, response_timeout_seconds=SECONDS) as channel:
            all_up(channel, 3)
            outcomes = channel.send(make_batch(30))
            assert first.wait(SECONDS)
        assert {type(outcome) for outcome in outcomes} == {Sent}
        assert [carrier.ended.get(timeout=SECONDS) for _ in range(3)] == ["the peer unbound"] * 3


def test_a_pair_sends_only_where_it_may():
    by_command = Counter()

    def answer(session, sequence, message):
        by_command[session.bound] += 1
        accepting()(session, sequence, message)

    with scripted_carrier(answer) as carrier, opened(carrier.port, bind="pair", binds=2) as channel:
        all_up(channel, 4)
        assert {type(outcome) for outcome in channel.send(make_batch(20))} == {Sent}

    assert by_command == {pdu.BIND_TRANSMITTER: 20}


def test_a_receiver_alone_sends_nothing():
    with scripted_carrier() as carrier, opened(carrier.port, bind="receiver") as channel:
        [outcome] = channel.send([make_outgoing()])

    assert isinstance(outcome, NotSent)


KNOWN = {"host": "h", "port": 1, "system_id": "s", "password": PASSWORD}


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("binds", 0), ("binds", 33), ("binds", 1.5), ("bind", "telepathy"), ("window", 0), ("tls_ca_file", "a\nb"),
        ("tls_any_certificate", "yes"), ("long_messages", "udh32"), ("gsm7", ""), ("latin1", 1), ("data_coding_gsm7", -1),
        ("data_coding_latin1", 256), ("data_coding_ucs2", "8"), ("source_ton", 99), ("source_npi", "1"),
        ("destination_ton", True), ("destination_npi", 19), ("validity", "for ever"), ("receipt_ids", "octal"),
        ("receipt_format", "song"), ("query_after_minutes", 0), ("rate_per_second", 0), ("unheard_of", 1),
    ],
)  # fmt: skip
def test_a_setting_that_makes_no_sense_is_named(name, wrong):
    with pytest.raises(ConfigInvalid) as refused:
        SmppConfig.from_mapping({**KNOWN, name: wrong})

    assert set(refused.value.errors) == {name}
    assert refused.value.errors[name]
