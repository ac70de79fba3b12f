"""A channel and carriers that mean it no good: nothing is believed without proof, nothing grows, nothing is sent twice.

Each guard has its sabotage twin: the same story with the guard taken out, seen to go wrong.
"""

import queue
import threading
import time
from collections import Counter

import pytest

from messaging.channels.tests.lines import make_batch, make_outgoing, opened, until, wait_for_bind
from messaging.channels.types.base import NotSent, Refused, Sent, Unknown
from messaging.channels.types.smpp import inbox, outbox, pdu
from messaging.channels.types.smpp.binds import Bind
from messaging.channels.types.smpp.governor import Throttle
from messaging.channels.types.smpp.inbox import Inbox
from messaging.channels.types.smpp.session import Limits, Session
from messaging.channels.types.smpp.testing import SECONDS, accepting, dropping, refusing, scripted_carrier

RECEIPT = pdu.Message("447700900123", "SIGN", b"id:m1 stat:DELIVRD err:000", esm_class=4, source_ton=1)


def own_name(session, sequence, message):
    """Accept under a name that tells which message it was."""
    accepting(f"n{message.user_message_reference}")(session, sequence, message)


def raw(session, data):
    """Write bytes as they are, also such as are no PDU."""
    session._out.append(data)
    session._flush()  # after the session's end this does nothing


def answer_to(sequence, name="m1", status=0):
    return pdu.frame(pdu.SUBMIT_SM | pdu.ANSWER, status, sequence, pdu.encode_message_id(name))


def kinds(outcomes):
    return Counter(type(outcome) for outcome in outcomes)


# answers


def swapping(held):
    """Answer in the reverse of the order in which they came, ten at a time."""

    def answer(session, sequence, message):
        held.append((session, sequence, message))
        if len(held) == 10:
            for one in reversed(held):
                own_name(*one)
            held.clear()

    return answer


def names_of(batch, outcomes):
    """Whether each message got the name that was meant for it."""
    given = {outcome.attempt_id: outcome.reference for outcome in outcomes}
    return [given[outgoing.attempt_id] == f"n{outgoing.reference}" for outgoing in batch]


def test_answers_in_another_order_find_their_messages():
    batch = make_batch(50)
    with scripted_carrier(swapping([])) as carrier, opened(carrier.port, window=20) as channel:
        assert all(names_of(batch, channel.send(batch)))


def test_sabotage_without_looking_at_sequence_numbers_names_go_to_others(monkeypatch):
    take_apart = Session._take_apart

    def in_order(self, buffer):
        """As a session that believes answers come in order: the oldest request is answered, whatever the number."""
        if self._pending and buffer[4:8] == (pdu.SUBMIT_SM | pdu.ANSWER).to_bytes(4, "big"):
            end, at, renumbered, waiting = len(buffer), 0, b"", iter(list(self._pending))
            while at < end:
                length = int.from_bytes(buffer[at : at + 4], "big")
                renumbered += buffer[at : at + 12] + next(waiting).to_bytes(4, "big") + buffer[at + 16 : at + length]
                at += length
            buffer = renumbered
        return take_apart(self, buffer)

    monkeypatch.setattr(Session, "_take_apart", in_order)
    batch = make_batch(10)
    with scripted_carrier(swapping([])) as carrier, opened(carrier.port, window=20) as channel:
        assert not all(names_of(batch, channel.send(batch)))


def test_a_sequence_number_answered_twice_counts_once():
    def twice(session, sequence, message):
        raw(session, answer_to(sequence, f"n{message.user_message_reference}") + answer_to(sequence, "another"))
        session.leave_unanswered()

    batch = make_batch(100)
    with scripted_carrier(twice) as carrier, opened(carrier.port, window=10) as channel:
        assert all(names_of(batch, channel.send(batch)))


def test_answers_to_what_was_never_asked_prove_nothing():
    def to_others(session, sequence, message):
        raw(session, b"".join(answer_to(sequence + other) for other in range(1, 500)))
        session.leave_unanswered()

    with scripted_carrier(to_others) as carrier, opened(carrier.port) as channel:
        assert kinds(channel.send(make_batch(1))) == {Unknown: 1}


def test_an_answer_that_comes_too_late_changes_nothing():
    def late(session, sequence, message):
        if message.user_message_reference == 1:
            session._loop.call_later(1.5, own_name, session, sequence, message)
        else:
            own_name(session, sequence, message)

    with scripted_carrier(late) as carrier, opened(carrier.port, response_timeout_seconds=0.7) as channel:
        first = channel.send([make_outgoing(0)])
        assert kinds(channel.send([make_outgoing(5)])) == {Sent: 1}  # the line lives: it is one answer that lacks
        assert kinds(first) == {Unknown: 1}
        until(lambda: carrier.sessions[0]._unanswered == 0)  # the late one has left
        last = [make_outgoing(6)]
        assert names_of(last, channel.send(last)) == [True]
        assert carrier.submits.qsize() == 3


@pytest.mark.parametrize("whole", [1, 15, 16, 18])
def test_a_carrier_that_hangs_up_within_an_answer_leaves_the_outcome_unknown(whole):
    def half(session, sequence, message):
        raw(session, answer_to(sequence)[:whole])
        session.close("hung up by the test")

    with scripted_carrier(half) as carrier, opened(carrier.port) as channel:
        assert kinds(channel.send(make_batch(3))) == {Unknown: 3}


def resent_when_not_sent(channel, carrier):
    """What the engine does: hand over again what surely did not leave.  How often the carrier heard it."""
    outgoing, deadline = make_outgoing(), time.monotonic() + SECONDS
    while carrier.submits.qsize() < 2 and time.monotonic() < deadline:
        until(lambda: channel.state().bind == "bound")
        [outcome] = channel.send([outgoing])
        if not isinstance(outcome, NotSent):
            break
    return carrier.submits.qsize()


def test_what_may_have_left_is_never_called_not_sent():
    with scripted_carrier(dropping) as carrier, opened(carrier.port) as channel:
        assert resent_when_not_sent(channel, carrier) == 1


def test_sabotage_a_lost_line_that_meant_not_sent_would_send_it_again(monkeypatch):
    monkeypatch.setattr(outbox, "unknown", lambda submit, why: NotSent(submit.attempt_id, why))

    with scripted_carrier(dropping) as carrier, opened(carrier.port) as channel:
        assert resent_when_not_sent(channel, carrier) > 1


def test_sabotage_without_asking_for_a_name_a_message_is_sent_under_none(monkeypatch):
    """The twin of `test_an_acceptance_without_a_reference_is_unknown`."""
    monkeypatch.setattr(pdu, "decode_message_id", lambda body: "?")

    with scripted_carrier(accepting("")) as carrier, opened(carrier.port) as channel:
        assert kinds(channel.send(make_batch(1))) == {Sent: 1}


def tried_again(channel, carrier):
    """What the engine does with a message of two parts: hand it over again when it may.  How often part 1 was heard."""
    outgoing = make_outgoing(body="x" * 300, segments=2)
    for _ in range(3):
        [outcome] = channel.send([outgoing])
        if not (isinstance(outcome, Refused) and outcome.retry):
            break
    heard = [carrier.submits.get().text[5] for _ in range(carrier.submits.qsize())]
    return heard.count(1)


def second_refused(session, sequence, message):
    (accepting() if message.text[5] == 1 else refusing(pdu.NOT_BOUND))(session, sequence, message)


def test_a_long_message_half_taken_is_not_tried_again():
    with scripted_carrier(second_refused) as carrier, opened(carrier.port) as channel:
        assert tried_again(channel, carrier) == 1


def test_sabotage_a_long_message_tried_again_brings_its_first_part_twice(monkeypatch):
    settle = outbox.Whole.outcome

    def always_worth_it(self):
        outcome = settle(self)
        return Refused(outcome.attempt_id, outcome.code, retry=True) if isinstance(outcome, Refused) else outcome

    monkeypatch.setattr(outbox.Whole, "outcome", always_worth_it)
    with scripted_carrier(second_refused) as carrier, opened(carrier.port) as channel:
        assert tried_again(channel, carrier) > 1


# the window


def most_in_hand(*, window):
    """How many submits a carrier that answers ten at a time had in hand at most."""
    held, most = [], []

    def answer(session, sequence, message):
        held.append((session, sequence, message))
        most.append(len(held))
        if len(held) >= window:
            for one in held:
                own_name(*one)
            held.clear()

    with scripted_carrier(answer) as carrier, opened(carrier.port, window=window) as channel:
        assert kinds(channel.send(make_batch(50 * window))) == {Sent: 50 * window}
    return max(most)


def test_the_window_is_never_exceeded():
    assert most_in_hand(window=10) == 10


def test_sabotage_without_the_window_a_carrier_gets_all_at_once(monkeypatch):
    monkeypatch.setattr(Session, "room", property(lambda self: 100_000 if self.bound and not self.why_closed else 0))
    held = queue.SimpleQueue()

    with scripted_carrier(lambda *one: held.put(one)) as carrier, opened(carrier.port, window=10) as channel:
        channel.send(make_batch(500))
        until(lambda: held.qsize() == 500)
        carrier.hang_up()


# storms


def refused_in_a_storm(seconds):
    """How many submits are refused while a carrier refuses everything, and they are handed over again at once."""
    refused = 0
    with (
        scripted_carrier(refusing(pdu.THROTTLED)) as carrier,
        opened(carrier.port, window=10, queue_seconds=0.1) as channel,
    ):
        until_then = time.monotonic() + seconds
        while time.monotonic() < until_then:
            refused += kinds(channel.send(make_batch(10)))[Refused]
        assert channel.state().bind == "bound"
    return refused


def test_a_storm_of_refusals_is_waited_out():
    assert refused_in_a_storm(1.5) <= 80


def test_sabotage_without_the_throttle_the_storm_is_fed(monkeypatch):
    monkeypatch.setattr(Throttle, "heard", lambda self, now, *, accepted, refused, segments: None)

    assert refused_in_a_storm(1.5) > 500


def test_a_carrier_that_refuses_every_bind_is_asked_ever_more_rarely(monkeypatch):
    pauses, asked = [], threading.Event()

    class Stopwatch:
        @staticmethod
        def uniform(low, high):
            pauses.append(1)
            if len(pauses) == 6:
                asked.set()
            return high

    monkeypatch.setattr("messaging.channels.types.smpp.binds.random", Stopwatch)
    begun = time.monotonic()
    with scripted_carrier(password="another") as carrier, opened(carrier.port, reconnect_seconds=0.02) as channel:
        assert asked.wait(SECONDS)
        assert channel.state().bind == "refused"
        assert kinds(channel.send(make_batch(5))) == {NotSent: 5}
        assert carrier.submits.empty()

    assert time.monotonic() - begun >= 0.02 * (1 + 2 + 4 + 8 + 16)


# floods


class SlowStore:
    """Stores nothing until told, and remembers how much it was given."""

    def __init__(self):
        self.may_go_on, self.count, self.largest = threading.Event(), 0, 0

    def __call__(self, news):
        assert self.may_go_on.wait(SECONDS)
        self.count += len(news)
        self.largest = max(self.largest, len(news))


def gathered_in_a_flood(monkeypatch, count=12_000):
    """How much news waits in memory at most while a carrier floods us and nothing can be stored."""
    boxes, store = [], SlowStore()
    begin = Inbox.__init__

    def remembered(self, *args):
        begin(self, *args)
        boxes.append(self)

    monkeypatch.setattr(Inbox, "__init__", remembered)
    with (
        scripted_carrier(limits=Limits(window=count)) as carrier,
        opened(carrier.port, on_inbound=store, response_timeout_seconds=60) as channel,
    ):
        session = wait_for_bind(carrier)
        body = pdu.encode_message(RECEIPT._replace(text=RECEIPT.text + b" text:" + b"x" * 200))
        carrier._loop.call_soon_threadsafe(lambda: [session.request(pdu.DELIVER_SM, body, n) for n in range(count)])
        most, last, still = 0, -1, 0
        while still < 40:
            now = len(boxes[0]._gathered)
            most, last, still = max(most, now), now, still + 1 if now == last else 0
            threading.Event().wait(0.01)
        store.may_go_on.set()
        acknowledged = [carrier.delivered.get(timeout=SECONDS) for _ in range(count)]
        assert channel.state().bind == "bound"
    assert store.count == count
    assert Counter(status for _token, status in acknowledged) == {pdu.OK: count}
    assert store.largest <= inbox.LARGEST_BATCH
    return most


def test_a_flood_of_news_waits_at_the_carrier_and_all_of_it_is_stored(monkeypatch):
    assert gathered_in_a_flood(monkeypatch) < 6_000


def test_sabotage_without_back_pressure_the_flood_is_in_our_memory(monkeypatch):
    monkeypatch.setattr("messaging.channels.types.smpp.binds.Limits", lambda **limits: Limits(**limits, inbound=10**9))

    assert gathered_in_a_flood(monkeypatch) > 10_000


def test_sabotage_news_acknowledged_before_it_is_stored_is_lost_with_the_database(monkeypatch):
    """The twin of `test_news_that_could_not_be_stored_stays_with_the_carrier`."""

    async def at_once(self, news):
        self._thread.submit(self._on_inbound, news)
        return pdu.OK

    def unable(news):
        raise ConnectionError("the database is away")

    monkeypatch.setattr(Inbox, "_stored", at_once)
    with scripted_carrier() as carrier, opened(carrier.port, on_inbound=unable):
        carrier.deliver(RECEIPT, "lost")
        assert carrier.delivered.get(timeout=SECONDS) == ("lost", pdu.OK)


NONSENSE = [
    ("an empty length", b"\0" * 16),
    ("a length of fifteen", pdu.HEADER.pack(15, pdu.DELIVER_SM, 0, 1)),
    ("four gigabytes", pdu.HEADER.pack(2**32 - 1, pdu.DELIVER_SM, 0, 1)),
    ("not SMPP at all", b"HTTP/1.1 400 Bad Request\r\n\r\n" * 10),
    ("an unknown command", pdu.frame(0x7777, 0, 1, b"x" * 100)),
    ("a submit to a client", pdu.frame(pdu.SUBMIT_SM, 0, 1, pdu.encode_message(RECEIPT))),
    ("a bind to a client", pdu.frame(pdu.BIND_TRANSCEIVER, 0, 1, pdu.encode_bind(pdu.Bind("a", "b")))),
    ("news without end", pdu.frame(pdu.DELIVER_SM, 0, 1, b"\xff" * 300)),
    ("a parameter past the end", pdu.frame(pdu.DELIVER_SM, 0, 1, pdu.encode_message(RECEIPT) + b"\x04\x24\xff\xff")),
    ("a header past the end", pdu.frame(pdu.DELIVER_SM, 0, 1, pdu.encode_message(pdu.Message("1", "2", b"\xff\0", 0, esm_class=0x40)))),
    ("a header of nothing", pdu.frame(pdu.DELIVER_SM, 0, 1, pdu.encode_message(pdu.Message("1", "2", b"", 0, esm_class=0x40)))),
    ("a question to a client", pdu.frame(pdu.QUERY_SM, 0, 1, pdu.encode_query(pdu.Query("m1")))),
    ("an unbind", pdu.frame(pdu.UNBIND, 0, 1)),
    ("a thousand enquire links", pdu.frame(pdu.ENQUIRE_LINK, 0, 1) * 1_000),
    ("a thousand refusals of nothing", pdu.frame(pdu.GENERIC_NACK, 3, 99) * 1_000),
]  # fmt: skip


@pytest.mark.parametrize(("_case", "said"), NONSENSE, ids=[case for case, _said in NONSENSE])
def test_nonsense_costs_at_most_the_bind_which_comes_back(_case, said):
    with scripted_carrier() as carrier, opened(carrier.port, on_inbound=lambda news: None) as channel:
        session = wait_for_bind(carrier)
        carrier._loop.call_soon_threadsafe(raw, session, said)
        deadline = time.monotonic() + SECONDS
        while kinds(channel.send(make_batch(1))) != {Sent: 1}:
            assert time.monotonic() < deadline


def memory_in_use():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4_096


def test_an_afternoon_of_nonsense_takes_no_memory():
    with (
        scripted_carrier() as carrier,
        opened(carrier.port, reconnect_seconds=0.01, on_inbound=lambda news: None) as channel,
    ):
        session = wait_for_bind(carrier)
        before = memory_in_use()
        for turn in range(150):
            until(lambda: carrier.sessions)
            session, said = (carrier.sessions or [session])[-1], NONSENSE[turn % len(NONSENSE)][1]
            carrier._loop.call_soon_threadsafe(raw, session, said * 3)
            channel.send(make_batch(20))
        until(lambda: channel.state().bind == "bound")
        grown = memory_in_use() - before

    assert grown < 50 * 1024 * 1024


def test_a_bind_that_hangs_does_not_keep_the_channel_from_closing(monkeypatch):
    stayed = threading.Event()
    stay = Bind._one_session

    async def remembered(self, stopping):
        stayed.set()
        return await stay(self, stopping)

    monkeypatch.setattr(Bind, "_one_session", remembered)
    with scripted_carrier(lambda *one: None) as carrier:
        begun = time.monotonic()
        with opened(carrier.port, response_timeout_seconds=0.3) as channel:
            assert stayed.wait(SECONDS)
            outcomes = channel.send(make_batch(3))
            carrier.submits.get(timeout=SECONDS)
        assert kinds(outcomes) == {Unknown: 3}
        assert time.monotonic() - begun < SECONDS
