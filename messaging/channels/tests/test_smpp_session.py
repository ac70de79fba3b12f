"""A session against hostile, silent and independent peers."""

import asyncio
import socket
import struct
from contextlib import asynccontextmanager

import pytest
import smpp34

from messaging.channels.types.smpp import pdu
from messaging.channels.types.smpp.endpoints import connect, serve
from messaging.channels.types.smpp.session import (
    BindRefused,
    ConnectFailed,
    Limits,
    Session,
    SessionHandler,
)
from messaging.channels.types.smpp.testing import PASSWORD, SECONDS, scripted_carrier, silent

HEADER = struct.Struct(">IIII")


class Client(SessionHandler):
    """Remembers everything and acknowledges news at once."""

    def __init__(self):
        self.news, self.answers, self.lost = asyncio.Queue(), asyncio.Queue(), asyncio.Queue()

    def requests_arrived(self, session, requests):
        for sequence, body in requests:
            self.news.put_nowait(pdu.decode_message(body))
            session.answer(pdu.DELIVER_SM, sequence, pdu.OK, b"\0")

    def answers_arrived(self, session, answers):
        for answer in answers:
            self.answers.put_nowait(answer)

    def unanswered(self, session, tokens, why):
        for token in tokens:
            self.lost.put_nowait((token, why))


def run(story):
    asyncio.run(asyncio.wait_for(story, 4 * SECONDS))


@asynccontextmanager
async def bound(port, *, handler=None, limits=None, password=PASSWORD):
    handler = handler or Client()
    session = await connect(
        handler, host="127.0.0.1", port=port, command=pdu.BIND_TRANSCEIVER, bind=pdu.Bind("demo", password),
        limits=limits or Limits(),
    )  # fmt: skip
    try:
        yield session
    finally:
        session.close("the test ended", at_once=True)
        await session.closed.wait()


def submit(session, token, **fields):
    session.request(pdu.SUBMIT_SM, pdu.encode_message(pdu.Message("SIGN", "447700900123", b"Hi", **fields)), token)


def exchange(port, *sent):
    """Send raw bytes and read until the peer hangs up or has answered each."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as line:
        line.sendall(b"".join(sent))
        answered = b""
        try:
            while chunk := line.recv(65_536):
                answered += chunk
                if len(list(pdus(answered))) >= len(sent):
                    break
        except ConnectionResetError:
            pass
        return list(pdus(answered))


def pdus(stream):
    while len(stream) >= 16:
        length, command, status, _sequence = HEADER.unpack_from(stream)
        if len(stream) < length:
            return
        yield command, status
        stream = stream[length:]


BIND = pdu.frame(pdu.BIND_TRANSCEIVER, 0, 1, pdu.encode_bind(pdu.Bind("demo", PASSWORD)))
BOUND = (pdu.BIND_TRANSCEIVER | pdu.ANSWER, pdu.OK)


@pytest.mark.parametrize(
    ("_case", "sent", "answered"),
    [
        ("length 0", HEADER.pack(0, 4, 0, 1), (pdu.GENERIC_NACK, pdu.INVALID_LENGTH)),
        ("length 15", HEADER.pack(15, 4, 0, 1), (pdu.GENERIC_NACK, pdu.INVALID_LENGTH)),
        ("length 4 GiB", HEADER.pack(0xFFFF_FFFF, 4, 0, 1), (pdu.GENERIC_NACK, pdu.INVALID_LENGTH)),
        ("another protocol", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", (pdu.GENERIC_NACK, pdu.INVALID_LENGTH)),
        ("an unknown command", HEADER.pack(16, 0x99, 0, 1), (pdu.GENERIC_NACK, pdu.INVALID_COMMAND)),
        ("a submit before the bind", HEADER.pack(16, 4, 0, 1), (pdu.SUBMIT_SM | pdu.ANSWER, pdu.NOT_BOUND)),
        ("a bind without NUL", HEADER.pack(40, 9, 0, 1) + b"\xff" * 24, (9 | pdu.ANSWER, pdu.BIND_FAILED)),
        ("enquire_link before the bind", HEADER.pack(16, 0x15, 0, 1), (0x15 | pdu.ANSWER, pdu.OK)),
    ],
)
def test_a_hostile_peer_gets_a_status_and_harms_nobody(_case, sent, answered):
    async def story(carrier):
        async with bound(carrier.port) as good:
            assert await asyncio.to_thread(exchange, carrier.port, sent) == [answered]
            submit(good, "still here")
            assert (await good.handler.answers.get())[:2] == ("still here", pdu.OK)

    with scripted_carrier() as carrier:
        run(story(carrier))


@pytest.mark.parametrize(
    ("_case", "sent", "answered"),
    [
        ("an empty submit", HEADER.pack(16, 4, 0, 2), (pdu.SUBMIT_SM | pdu.ANSWER, pdu.INVALID_LENGTH)),
        ("a submit without NUL", pdu.frame(4, 0, 2, b"\xff" * 99), (pdu.SUBMIT_SM | pdu.ANSWER, pdu.INVALID_LENGTH)),
        ("a second bind", BIND, (pdu.BIND_TRANSCEIVER | pdu.ANSWER, pdu.ALREADY_BOUND)),
        ("a deliver_sm to a carrier", HEADER.pack(16, 5, 0, 2), (pdu.GENERIC_NACK, pdu.INVALID_COMMAND)),
        ("unbind", HEADER.pack(16, 6, 0, 2), (pdu.UNBIND | pdu.ANSWER, pdu.OK)),
    ],
)
def test_a_bound_peer_that_talks_nonsense_is_told_so(_case, sent, answered):
    with scripted_carrier() as carrier:
        assert exchange(carrier.port, BIND, sent) == [BOUND, answered]


def test_answers_nobody_asked_for_are_ignored():
    stray = HEADER.pack(16, pdu.SUBMIT_SM | pdu.ANSWER, 0, 77) + HEADER.pack(16, pdu.GENERIC_NACK, 3, 78)

    with scripted_carrier() as carrier:
        assert exchange(carrier.port, BIND, stray + HEADER.pack(16, 0x15, 0, 3)) == [BOUND, (0x15 | pdu.ANSWER, pdu.OK)]


def test_pdus_are_found_however_the_stream_is_cut():
    stream = BIND + pdu.frame(pdu.SUBMIT_SM, 0, 2, pdu.encode_message(pdu.Message("S", "1", b"Hi"))) * 3

    with scripted_carrier() as carrier, socket.create_connection(("127.0.0.1", carrier.port), SECONDS) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(stream)):
            line.sendall(stream[at : at + 1])
        messages = [carrier.submits.get(timeout=SECONDS) for _ in range(3)]

    assert [message.text for message in messages] == [b"Hi"] * 3


def test_a_refused_bind_carries_the_carriers_status():
    async def story(carrier):
        with pytest.raises(BindRefused) as refused:
            async with bound(carrier.port, password="wrong"):
                pass
        assert refused.value.status == pdu.INVALID_PASSWORD
        assert str(refused.value) == "bind refused: 0x0000000E (invalid password)"

    with scripted_carrier() as carrier:
        run(story(carrier))


def test_a_port_without_listener_is_a_failed_connect():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))

        async def story():
            with pytest.raises(ConnectFailed):
                async with bound(taken.getsockname()[1]):
                    pass

        run(story())


def test_a_listener_that_never_answers_the_bind_is_a_failed_connect():
    with socket.create_server(("127.0.0.1", 0)) as mute:

        async def story():
            with pytest.raises(ConnectFailed, match="no answer to the bind"):
                async with bound(mute.getsockname()[1], limits=Limits(bind_timeout=0.2)):
                    pass

        run(story())


def test_whoever_never_binds_is_shown_out():
    with (
        scripted_carrier(limits=Limits(bind_timeout=0.1, response_timeout=0.2)) as carrier,
        socket.create_connection(("127.0.0.1", carrier.port), SECONDS) as line,
    ):
        assert line.recv(1) == b""
        assert carrier.ended.get(timeout=SECONDS) == "no bind came"


def test_a_silent_carrier_costs_one_window_and_the_line():
    async def story(carrier):
        async with bound(carrier.port, limits=Limits(window=3, response_timeout=0.2)) as session:
            for token in range(3):
                submit(session, token)
            assert session.room == 0
            lost = [await session.handler.lost.get() for _ in range(3)]
            await session.closed.wait()
        assert sorted(token for token, _why in lost) == [0, 1, 2]
        assert session.why_closed == "no answer for 0.2 s"

    with scripted_carrier(silent) as carrier:
        run(story(carrier))


def test_one_lost_answer_does_not_cost_the_line():
    def forgetful(session, sequence, message):
        if message.destination == "lost":
            session.leave_unanswered()
        else:
            session.answer(pdu.SUBMIT_SM, sequence, pdu.OK, b"m1\0")

    async def story(carrier):
        async with bound(carrier.port, limits=Limits(response_timeout=0.3)) as session:
            session.request(pdu.SUBMIT_SM, pdu.encode_message(pdu.Message("S", "lost", b"Hi")), "lost")
            submit(session, "answered")
            assert (await session.handler.answers.get())[0] == "answered"
            assert await session.handler.lost.get() == ("lost", "no answer in time")
            submit(session, "again")
            assert (await session.handler.answers.get())[0] == "again"

    with scripted_carrier(forgetful) as carrier:
        run(story(carrier))


def test_a_dead_line_is_found_by_enquire_link():
    async def story():
        heard = asyncio.Event()

        async def mute(reader, writer):
            await reader.readexactly(16)
            writer.write(HEADER.pack(17, pdu.BIND_TRANSCEIVER | pdu.ANSWER, 0, 1) + b"\0")
            while data := await reader.read(4096):
                if HEADER.pack(16, pdu.ENQUIRE_LINK, 0, 2) in data:
                    heard.set()
            writer.close()

        server = await asyncio.start_server(mute, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with bound(port, limits=Limits(enquire_link=0.1, response_timeout=0.2)) as session:
            await heard.wait()
            await session.closed.wait()
        assert session.why_closed == "the peer is silent"
        server.close()

    run(story())


def test_a_quiet_line_stays_up_while_the_peer_answers():
    async def story(carrier):
        # Many questions are asked meanwhile; an answer may take its time on a machine that is busy.
        async with bound(carrier.port, limits=Limits(enquire_link=0.05, response_timeout=SECONDS)) as session:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(session.closed.wait(), 0.6)

    with scripted_carrier() as carrier:
        run(story(carrier))


def test_what_is_in_flight_is_waited_for_before_the_goodbye():
    async def story(carrier):
        async with bound(carrier.port) as session:
            submit(session, "last")
            await session.unbind(patience=SECONDS)
            assert session.handler.answers.get_nowait()[:2] == ("last", pdu.OK)
            assert session.handler.lost.empty()

    with scripted_carrier() as carrier:
        run(story(carrier))
        assert carrier.ended.get(timeout=SECONDS) == "the peer unbound"


def test_a_flood_waits_in_the_network_and_not_in_our_memory():
    class Slow(Client):
        """Takes news and acknowledges nothing until told."""

        def __init__(self):
            super().__init__()
            self.taken, self.enough = [], asyncio.Event()

        def requests_arrived(self, session, requests):
            self.taken += [sequence for sequence, _body in requests]
            self.enough.set()

    async def story(carrier):
        slow = Slow()
        big = pdu.Message("1", "2", b"x" * 60_000)
        async with bound(carrier.port, handler=slow, limits=Limits(inbound=10)) as session:
            for token in range(200):
                await asyncio.to_thread(carrier.deliver, big, token)
            await slow.enough.wait()
            before = len(slow.taken)
            assert before < 200  # the rest is in socket buffers, which are full
            done = set()
            while len(done) < 200:
                for sequence in [taken for taken in slow.taken if taken not in done]:
                    session.answer(pdu.DELIVER_SM, sequence, pdu.OK, b"\0")
                    done.add(sequence)
                slow.enough.clear()
                if len(done) < 200:
                    await slow.enough.wait()
        assert slow.taken == sorted(slow.taken)

    with scripted_carrier(limits=Limits(window=500)) as carrier:
        run(story(carrier))


def test_an_independent_client_sends_and_hears_from_our_server():
    class Carrier(SessionHandler):
        def bind_requested(self, session, command, bind):
            return pdu.OK if bind == pdu.Bind("demo", PASSWORD) else pdu.INVALID_PASSWORD

        def requests_arrived(self, session, requests):
            for sequence, body in requests:
                message = pdu.decode_message(body)
                session.answer(pdu.SUBMIT_SM, sequence, pdu.OK, pdu.encode_message_id("m1"))
                back = pdu.Message(message.destination, message.source, b"id:m1 stat:DELIVRD", esm_class=4)
                session.request(pdu.DELIVER_SM, pdu.encode_message(back), "receipt")

    async def story():
        server = await serve(Carrier(), host="127.0.0.1", port=0)
        port = server.sockets[0].getsockname()[1]
        peer = await smpp34.Client(host="127.0.0.1", port=port, system_id="demo", password=PASSWORD).connect()
        answer = await peer.submit_sm("447700900123", b"Hi", source_addr="SIGN", registered_delivery=1)
        receipt = await peer.next()
        await peer.unbind()
        server.close()
        assert (answer.is_success, answer.message_id) == (True, "m1")
        assert (receipt.short_message, receipt.esm_class) == (b"id:m1 stat:DELIVRD", 4)

    run(story())


def test_an_independent_server_takes_what_our_client_sends():
    async def story():
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = smpp34.Server(host="127.0.0.1", port=port, system_id="SIM")
        await server.start()
        async with bound(port) as session:
            peer = await server.next()
            assert peer.system_id == "demo"
            submit(session, "short")
            event = await server.next()
            event.accept(message_id="q1")
            assert await session.handler.answers.get() == ("short", pdu.OK, b"q1\0")
            session.request(pdu.SUBMIT_SM, pdu.encode_message(pdu.Message("S", "1", b"x" * 300)), "long")
            event = await server.next()
            event.reject(pdu.THROTTLED)
            assert [tlv.value for tlv in event.tlvs] == [b"x" * 300]
            assert (await session.handler.answers.get())[:2] == ("long", pdu.THROTTLED)
            delivered = await peer.deliver_sm("SIGN", b"STOP", source_addr="447700900123")
            assert delivered.is_success
            assert (await session.handler.news.get()).text == b"STOP"
        await server.stop()

    run(story())


def test_sequence_numbers_begin_again_before_they_leave_the_protocols_range():
    async def story():
        session = Session(SessionHandler(), serves=pdu.DELIVER_SM)
        session._sequence = 0x7FFF_FFFE
        assert [session._next_sequence(), session._next_sequence()] == [0x7FFF_FFFF, 1]

    run(story())
