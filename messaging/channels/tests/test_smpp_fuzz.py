"""Whatever a peer sends, each request comes to exactly one end, and nothing grows."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.channels.types.smpp import pdu
from messaging.channels.types.smpp.session import Limits, Session, SessionHandler

WINDOW = 4
RESPONSE = pdu.SUBMIT_SM | pdu.ANSWER


class Transport(asyncio.Transport):
    """Takes everything and tells the session when it is closed."""

    def __init__(self):
        super().__init__()
        self.session, self.is_closed, self.written = None, False, 0

    def write(self, data):
        self.written += len(data)

    def close(self):
        if not self.is_closed:
            self.is_closed = True
            asyncio.get_running_loop().call_soon(self.session.connection_lost, None)

    abort = close

    def get_write_buffer_size(self):
        return 0

    def pause_reading(self):
        """The test feeds by hand."""

    def resume_reading(self):
        """The test feeds by hand."""


class Owner(SessionHandler):
    """Remembers how each request ended."""

    def __init__(self):
        self.ended, self.references, self.news = Counter(), {}, 0

    def requests_arrived(self, session, requests):
        self.news += len(requests)
        for sequence, _body in requests:
            session.answer(pdu.DELIVER_SM, sequence, pdu.OK, b"\0")

    def answers_arrived(self, session, answers):
        for token, status, body in answers:
            self.ended[token] += 1
            self.references[token] = (status, pdu.decode_message_id(body))

    def unanswered(self, session, tokens, why):
        self.ended.update(tokens)


def a_session():
    owner, transport = Owner(), Transport()
    session = Session(owner, serves=pdu.DELIVER_SM, limits=Limits(window=WINDOW))
    transport.session = session
    session.connection_made(transport)
    session.bound = pdu.BIND_TRANSCEIVER
    return owner, session


commands = st.sampled_from([*range(10), 0x15, 0x103, 0x7FFF_FFFF]) | st.sampled_from([0, 3, 4, 5, 6, 9, 0x15]).map(
    lambda command: command | pdu.ANSWER
)
bodies = st.binary(max_size=80) | st.just(pdu.encode_message(pdu.Message("1", "2", b"id:1 stat:DELIVRD", esm_class=4)))
frames = st.builds(
    pdu.frame,
    commands,
    st.sampled_from([0, 8, 0x58, 0xFFFF_FFFF]),
    st.integers(0, 12) | st.integers(0, 2**32 - 1),
    bodies,
)
hostile = (
    st.binary(max_size=60)
    | frames
    | st.builds(
        lambda frame, at, damage: frame[:at] + damage + frame[at + 1 :],
        frames,
        st.integers(0, 40),
        st.binary(max_size=3),
    )
    | st.builds(lambda length: length.to_bytes(4, "big") + b"\0" * 12, st.sampled_from([0, 15, 17, 70_001, 2**32 - 1]))
)
steps = st.lists(hostile | st.just("submit") | st.tuples(st.just("answer"), st.integers(1, 8)), max_size=25)


def play(story, cuts):
    """Feed the story to a session in pieces cut where `cuts` say; its owner, and what was submitted."""

    async def main():
        owner, session = a_session()
        submitted = []
        for step in story:
            if step == "submit":
                if session.room > 0:
                    submitted.append(f"token {len(submitted)}")
                    session.request(pdu.SUBMIT_SM, b"", submitted[-1])
            elif isinstance(step, tuple):
                feed(session, pdu.frame(RESPONSE, 0, step[1], b"m%d\0" % step[1]), cuts)
            else:
                feed(session, step, cuts)
            assert session.in_flight <= WINDOW
            assert len(session._tail) <= pdu.LONGEST
            await a_turn_of_the_loop()
        session.close("the story is over", at_once=True)
        await session.closed.wait()
        return owner, submitted

    return asyncio.run(main())


def a_turn_of_the_loop():
    loop = asyncio.get_running_loop()
    turned = loop.create_future()
    loop.call_soon(turned.set_result, None)
    return turned


def feed(session, data, cuts):
    at = 0
    for cut in [*cuts, len(data)]:
        if at < len(data) and not session.why_closed:
            session.data_received(data[at : at + cut])
            at += cut


@settings(max_examples=150, deadline=None)
@given(steps, st.lists(st.integers(1, 30), max_size=4))
def test_each_request_ends_exactly_once_whatever_the_peer_sends(story, cuts):
    owner, submitted = play(story, cuts)

    assert owner.ended == Counter(submitted)


@settings(max_examples=100, deadline=None)
@given(st.lists(hostile, max_size=25), st.integers(1, 4))
def test_no_request_is_taken_for_accepted_without_an_answer_of_its_own(story, count):
    answered = {
        int.from_bytes(step[12:16], "big")
        for step in story
        if step[4:8] in (RESPONSE.to_bytes(4, "big"), pdu.GENERIC_NACK.to_bytes(4, "big"))
    }

    owner, submitted = play(["submit"] * count + story, [])

    if not any(len(step) % 4 or len(step) < 16 for step in story):  # else frames may form across the steps
        accepted = {token for token, (status, _name) in owner.references.items() if status == pdu.OK}
        assert len(accepted) <= len(answered)
    assert owner.ended == Counter(submitted)


def test_sabotage_without_taking_an_answered_request_out_it_ends_twice(monkeypatch):
    class Forgetful(dict):
        def pop(self, key, *default):
            return self.get(key, *default)

    story = ["submit", ("answer", 1), ("answer", 1)]
    assert play(story, [])[0].ended == {"token 0": 1}

    begin = Session.__init__

    def begin_forgetful(self, *args, **kwargs):
        begin(self, *args, **kwargs)
        self._pending = Forgetful()

    monkeypatch.setattr(Session, "__init__", begin_forgetful)
    assert play(story, [])[0].ended["token 0"] > 1


@pytest.mark.parametrize("is_sabotaged", [False, True])
def test_a_promise_of_four_gigabytes_is_not_waited_for(monkeypatch, is_sabotaged):
    """With the limit taken out (sabotage), the session gathers whatever comes."""
    if is_sabotaged:
        monkeypatch.setattr(pdu, "LONGEST", 2**32)

    async def main():
        _owner, session = a_session()
        session.data_received((2**32 - 1).to_bytes(4, "big") + b"\0" * 12)
        for _ in range(100):
            if not session.why_closed:
                session.data_received(b"x" * 10_000)
        return session.why_closed, len(session._tail)

    why, kept = asyncio.run(main())

    assert (kept > 900_000) == is_sabotaged
    assert bool(why) != is_sabotaged
