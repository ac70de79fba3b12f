"""The SMPP channel as the engine uses it: one outcome each, and news acknowledged only once stored."""

import queue
import threading

import pytest

from messaging.channels.tests.lines import free_port, make_batch, make_outgoing, opened, until, wait_for_bind
from messaging.channels.types.base import (
    ConfigInvalid,
    NotSent,
    ParsedInbound,
    ParsedReceipt,
    Refused,
    Sent,
    Unknown,
    channel_type,
)
from messaging.channels.types.smpp import pdu
from messaging.channels.types.smpp.link import SmppChannel
from messaging.channels.types.smpp.testing import (
    PASSWORD,
    SECONDS,
    accepting,
    dropping,
    refusing,
    scripted_carrier,
    silent,
)

# outcomes


def test_a_message_the_carrier_took_is_sent_under_the_carriers_name():
    outgoing = make_outgoing()

    with scripted_carrier(accepting("a1-7F")) as carrier, opened(carrier.port) as channel:
        assert list(channel.send([outgoing])) == [Sent(outgoing.attempt_id, "a1-7F")]


def test_what_the_carrier_hears_is_what_was_meant():
    outgoing = make_outgoing(body="Total: 5€", reference=513, validity_seconds=3_600)

    with scripted_carrier() as carrier, opened(carrier.port) as channel:
        list(channel.send([outgoing]))
        heard = carrier.submits.get(timeout=SECONDS)

    assert (heard.source, heard.source_ton, heard.source_npi) == ("Signalbox", 5, 0)
    assert (heard.destination, heard.destination_ton, heard.destination_npi) == ("447700900000", 1, 1)
    assert (heard.text, heard.data_coding) == (b"Total: 5\x1be", 0)
    assert (heard.registered_delivery, heard.validity) == (1, "000000010000000R")
    assert heard.tlvs == {pdu.USER_MESSAGE_REFERENCE: b"\x02\x01"}


@pytest.mark.parametrize(
    ("sender", "heard"),
    [
        ("Signalbox", ("Signalbox", 5, 0)),
        ("+447700900999", ("447700900999", 1, 1)),
        ("447700900999", ("447700900999", 1, 1)),
        ("80800", ("80800", 3, 0)),
        ("4You", ("4You", 5, 0)),
    ],
)
def test_a_sender_is_a_name_a_number_or_a_short_code(sender, heard):
    with scripted_carrier() as carrier, opened(carrier.port) as channel:
        list(channel.send([make_outgoing(sender=sender)]))
        message = carrier.submits.get(timeout=SECONDS)

    assert (message.source, message.source_ton, message.source_npi) == heard


@pytest.mark.parametrize(
    ("status", "code", "retry", "speaks_of"),
    [
        (pdu.THROTTLED, "0x00000058", True, "carrier"),
        (pdu.QUEUE_FULL, "0x00000014", True, "carrier"),
        (pdu.NOT_BOUND, "0x00000004", True, "carrier"),
        (pdu.SYSTEM_ERROR, "0x00000008", False, "carrier"),
        (pdu.INVALID_PASSWORD, "0x0000000E", False, "carrier"),
        (0x0A, "0x0000000A", False, "message"),
        (pdu.INVALID_DESTINATION, "0x0000000B", False, "message"),
        (pdu.INVALID_LENGTH, "0x00000002", False, "message"),
        (0x0400, "0x00000400", False, "message"),
    ],
)
def test_a_refusal_carries_the_carriers_code_whether_to_try_again_and_what_it_is_about(status, code, retry, speaks_of):
    outgoing = make_outgoing()

    with scripted_carrier(refusing(status)) as carrier, opened(carrier.port) as channel:
        assert list(channel.send([outgoing])) == [Refused(outgoing.attempt_id, code, retry=retry, speaks_of=speaks_of)]


@pytest.mark.parametrize(("status", "speaks_of"), [(pdu.SYSTEM_ERROR, "carrier"), (pdu.INVALID_DESTINATION, "message")])
def test_the_refusal_of_a_part_is_about_the_same_as_that_of_a_whole(status, speaks_of):
    with scripted_carrier(refusing(status)) as carrier, opened(carrier.port) as channel:
        [outcome] = channel.send([make_outgoing(body="x" * 300, segments=2)])

    assert (outcome.retry, outcome.speaks_of) == (False, speaks_of)


@pytest.mark.parametrize(
    ("_case", "fields"),
    [
        ("a character outside the alphabet", {"body": "中"}),
        ("half a character", {"body": "\ud83d", "encoding": "ucs2"}),
        ("a sender no carrier can be told", {"sender": "签名"}),
        ("a NUL in the recipient", {"recipient": "+44\0"}),
        ("a reference out of range", {"reference": 70_000}),
    ],
)
def test_what_cannot_be_written_down_is_refused_and_costs_the_others_nothing(_case, fields):
    good, bad = make_outgoing(), make_outgoing(**fields)

    with scripted_carrier() as carrier, opened(carrier.port) as channel:
        outcomes = list(channel.send([bad, good]))

    assert set(outcomes) == {
        Refused(bad.attempt_id, "unencodable", speaks_of="ourselves"),
        Sent(good.attempt_id, "m1"),
    }


def test_no_listener_means_nothing_was_sent():
    with opened(free_port()) as channel:
        outcomes = list(channel.send(make_batch(3)))

        assert [type(outcome) for outcome in outcomes] == [NotSent] * 3
        assert channel.state().bind == "down"
        assert "refused" in channel.state().last_error.lower()


def test_a_refused_bind_shows_its_status_and_nothing_is_sent():
    with scripted_carrier(password="another") as carrier, opened(carrier.port) as channel:
        [outcome] = channel.send([make_outgoing()])

        assert channel.state().bind == "refused"
        assert channel.state().last_error == "bind refused: 0x0000000E (invalid password)"
        assert isinstance(outcome, NotSent)
        assert "0x0000000E" in outcome.why


def test_a_channel_that_is_not_open_sends_nothing():
    channel = SmppChannel({"host": "127.0.0.1", "port": 1, "system_id": "demo", "password": PASSWORD})

    assert [type(outcome) for outcome in channel.send(make_batch(2))] == [NotSent, NotSent]
    assert channel.state().bind == "down"


def test_silence_after_the_bytes_left_is_unknown_and_what_waited_is_not_sent():
    with scripted_carrier(silent) as carrier, opened(carrier.port, window=2) as channel:
        outcomes = list(channel.send(make_batch(5)))

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NotSent"] * 3 + ["Unknown"] * 2
    assert carrier.submits.qsize() == 2


def test_a_line_that_drops_in_flight_leaves_the_outcome_unknown():
    outgoing = make_outgoing()

    with scripted_carrier(dropping) as carrier, opened(carrier.port) as channel:
        [outcome] = channel.send([outgoing])

    assert isinstance(outcome, Unknown)
    assert carrier.submits.qsize() == 1


def test_an_acceptance_without_a_reference_is_unknown():
    with scripted_carrier(accepting("")) as carrier, opened(carrier.port) as channel:
        [outcome] = channel.send([make_outgoing()])

    assert isinstance(outcome, Unknown)


def test_what_finds_no_place_in_the_window_in_time_is_not_sent():
    with (
        scripted_carrier(silent) as carrier,
        opened(carrier.port, window=1, response_timeout_seconds=SECONDS, queue_seconds=0.1) as channel,
    ):
        outcomes = channel.send(make_batch(2))
        first = next(outcomes)
        carrier.hang_up()
        second = next(outcomes)

    assert isinstance(first, NotSent)
    assert isinstance(second, Unknown)


def test_the_whole_batch_is_pipelined_within_the_window():
    in_hand, most = [], []

    def holding(session, sequence, message):
        in_hand.append(sequence)
        most.append(len(in_hand))
        if len(in_hand) == 10:
            for held in in_hand:
                session.answer(pdu.SUBMIT_SM, held, pdu.OK, b"m1\0")
            in_hand.clear()

    with scripted_carrier(holding) as carrier, opened(carrier.port, window=10) as channel:
        outcomes = list(channel.send(make_batch(100)))

    assert [type(outcome) for outcome in outcomes] == [Sent] * 100
    assert max(most) == 10


def test_batches_from_several_threads_each_get_their_own_outcomes():
    batches, results = [make_batch(200) for _ in range(4)], {}
    together = threading.Barrier(4)

    def send(place, channel):
        together.wait(SECONDS)
        results[place] = [outcome.attempt_id for outcome in channel.send(batches[place])]

    with scripted_carrier() as carrier, opened(carrier.port, window=50) as channel:
        threads = [threading.Thread(target=send, args=(place, channel)) for place in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)

    for place, batch in enumerate(batches):
        assert sorted(results[place]) == sorted(outgoing.attempt_id for outgoing in batch)


def test_sending_begins_with_the_call():
    with scripted_carrier() as carrier, opened(carrier.port) as channel:
        channel.send([make_outgoing()])

        assert carrier.submits.get(timeout=SECONDS).text == b"Hello"


def test_closing_waits_for_what_is_in_flight_and_says_goodbye():
    held = queue.SimpleQueue()

    def answer_later(session, sequence, message):
        held.put(sequence)
        session._loop.call_later(0.1, accepting(), session, sequence, message)

    with scripted_carrier(answer_later) as carrier:
        with opened(carrier.port, response_timeout_seconds=SECONDS) as channel:
            outcomes = channel.send([make_outgoing()])
            held.get(timeout=SECONDS)
        assert [type(outcome) for outcome in outcomes] == [Sent]
        assert carrier.ended.get(timeout=SECONDS) == "the peer unbound"


# the line


def test_a_dropped_line_comes_back_by_itself():
    with scripted_carrier() as carrier, opened(carrier.port) as channel:
        wait_for_bind(carrier)
        carrier.hang_up()
        wait_for_bind(carrier)
        until(lambda: channel.state().bind == "bound")

        assert [type(outcome) for outcome in channel.send([make_outgoing()])] == [Sent]
        assert channel.state().last_error == ""


def test_a_line_comes_up_when_the_carrier_does():
    port = free_port()

    with opened(port) as channel:
        assert channel.state().bind == "down"
        with scripted_carrier(port=port) as carrier:
            wait_for_bind(carrier)
            until(lambda: channel.state().bind == "bound")


def test_state_tells_what_is_in_flight():
    with (
        scripted_carrier(silent) as carrier,
        opened(carrier.port, window=2, response_timeout_seconds=SECONDS) as channel,
    ):
        channel.send(make_batch(5))
        for _ in range(2):
            carrier.submits.get(timeout=SECONDS)

        assert (channel.state().in_flight, channel.state().waiting) == (2, 3)
        carrier.hang_up()


def test_state_tells_how_long_the_carrier_has_owed_answers():
    with scripted_carrier() as carrier, opened(carrier.port, response_timeout_seconds=SECONDS) as channel:
        assert all(isinstance(outcome, Sent) for outcome in channel.send(make_batch(3)))
        assert channel.state().silent_seconds == 0

        carrier.on_submit = silent
        channel.send(make_batch(1))
        until(lambda: channel.state().silent_seconds > 0.05)
        carrier.hang_up()
        until(lambda: channel.state().silent_seconds == 0)


# news


RECEIPT = pdu.Message("447700900123", "SIGN", b"id:m1 stat:DELIVRD err:000", esm_class=4, source_ton=1)


def test_news_is_acknowledged_only_after_it_is_stored():
    storing, may_finish = threading.Event(), threading.Event()

    def store(news):
        storing.set()
        assert may_finish.wait(SECONDS)

    with scripted_carrier() as carrier, opened(carrier.port, on_inbound=store) as channel:
        carrier.deliver(RECEIPT, "receipt")
        assert storing.wait(SECONDS)
        # The line keeps order: an acknowledgement written too early would have overtaken this submit.
        assert [type(outcome) for outcome in channel.send([make_outgoing()])] == [Sent]
        assert carrier.delivered.empty()
        may_finish.set()

        assert carrier.delivered.get(timeout=SECONDS) == ("receipt", pdu.OK)


def test_news_that_could_not_be_stored_stays_with_the_carrier():
    stored = []

    def store(news):
        if not stored:
            stored.append("failed")
            raise ConnectionError("the database is away")
        stored.extend(news)

    with scripted_carrier() as carrier, opened(carrier.port, on_inbound=store):
        carrier.deliver(RECEIPT, "first")
        assert carrier.delivered.get(timeout=SECONDS) == ("first", pdu.SYSTEM_ERROR)
        carrier.deliver(RECEIPT, "again")
        assert carrier.delivered.get(timeout=SECONDS) == ("again", pdu.OK)

    assert [news.kind for news in stored[1:]] == ["receipt"]


def test_news_comes_in_batches_and_nothing_is_lost():
    batches = queue.SimpleQueue()

    with (
        scripted_carrier() as carrier,
        opened(carrier.port, on_inbound=lambda news: batches.put(len(news))),
    ):
        wait_for_bind(carrier)
        for number in range(300):
            carrier.deliver(RECEIPT._replace(text=b"id:%d stat:DELIVRD" % number), number)
        acknowledged = {carrier.delivered.get(timeout=SECONDS) for _ in range(300)}

    assert acknowledged == {(number, pdu.OK) for number in range(300)}
    assert batches.qsize() < 300


def test_copies_of_a_receipt_share_a_key_and_equal_texts_do_not():
    news = queue.SimpleQueue()
    text = pdu.Message("447700900123", "80800", b"STOP", source_ton=1)

    with scripted_carrier() as carrier, opened(carrier.port, on_inbound=lambda some: [news.put(one) for one in some]):
        for message in (RECEIPT, RECEIPT, text, text):
            carrier.deliver(message)
        first, second, third, fourth = (news.get(timeout=SECONDS) for _ in range(4))

    assert first.key == second.key
    assert third.key != fourth.key
    assert [one.kind for one in (first, third)] == ["receipt", "inbound"]


def test_stored_news_is_read_later():
    channel = SmppChannel({"host": "127.0.0.1", "port": 1, "system_id": "demo", "password": PASSWORD})
    text = pdu.Message("447700900123", "80800", b"STOP", source_ton=1)

    assert channel.parse_receipt(pdu.encode_message(RECEIPT)) == ParsedReceipt(
        "m1", "delivered", "000", recipient="+447700900123", sender="SIGN"
    )
    assert channel.parse_inbound(pdu.encode_message(text)) == ParsedInbound("+447700900123", "80800", "STOP")
    assert channel.parse_receipt(b"\xff" * 20) is None
    assert channel.parse_inbound(b"") is None


# configuration


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"system_id": "n" * 16}, "system_id"),
        ({"password": "p" * 9}, "password"),
        ({"password": "päss"}, "password"),
        ({"port": 0}, "port"),
        ({"port": "2775"}, "port"),
        ({"window": 0}, "window"),
        ({"rate_per_second": -1}, "rate_per_second"),
        ({"bind": "sideways"}, "bind"),
        ({"host": ""}, "host"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_setting_is_named(fields, wrong):
    known = {"host": "127.0.0.1", "port": 2775, "system_id": "demo", "password": PASSWORD}

    with pytest.raises(ConfigInvalid) as refused:
        SmppChannel({**known, **fields})

    assert list(refused.value.errors) == [wrong]


def test_the_password_is_not_shown():
    channel = SmppChannel({"host": "127.0.0.1", "port": 2775, "system_id": "demo", "password": PASSWORD})

    assert PASSWORD not in repr(channel.config)


def test_the_type_is_found_by_its_code():
    assert channel_type("smpp") is SmppChannel
    with pytest.raises(KeyError):
        channel_type("pigeon")
