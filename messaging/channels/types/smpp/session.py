"""One SMPP session over one connection, for either side of it.

Fast because nothing costs a task or a system call per message: what is written within one turn of
the loop leaves in one write, and all that arrived in one read is handed over in one call.
"""

from __future__ import annotations

import asyncio
import socket
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from messaging.channels.types.smpp import pdu

_unpack = pdu.HEADER.unpack_from
_UNREAD_LIMIT = 8 * 1024 * 1024  # of answers a peer does not read
_FAREWELL_SECONDS = 2


class ConnectFailed(Exception):
    """No session came about, and nothing was sent."""


class BindRefused(ConnectFailed):
    """The carrier answered the bind with a no."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"bind refused: {pdu.status_text(status)}")


class SessionClosed(Exception):
    """The session is over; the request was not written."""


@dataclass(frozen=True, slots=True)
class Limits:
    window: int = 300
    response_timeout: float = 20
    enquire_link: float = 30
    inbound: int = 2_000  # requests of the peer that we have not answered; beyond it we stop reading
    bind_timeout: float = 10


DEFAULT_LIMITS = Limits()


class SessionHandler:
    """Who owns a session.  Each call carries all that one read brought; none may block."""

    def bind_requested(self, session: Session, command: int, bind: pdu.Bind) -> int:
        """Say whether a peer may come in: the status to answer.  Only servers are asked."""
        return pdu.INVALID_COMMAND

    def session_bound(self, session: Session) -> None:
        """A peer that `bind_requested` let in may now be sent requests."""

    def requests_arrived(self, session: Session, requests: list[tuple[int, bytes]]) -> None:
        """(sequence, body) of each submit_sm or deliver_sm; each must get one `answer` or `leave_unanswered`."""

    def query_asked(self, session: Session, query: pdu.Query) -> tuple[int, bytes]:
        """What became of a message: the status to answer and its body.  Only servers are asked."""
        return pdu.QUERY_FAILED, b""

    def answers_arrived(self, session: Session, answers: list[tuple[Any, int, bytes]]) -> None:
        """(token, status, body) of each of our requests that was answered.  There is room in the window again."""

    def unanswered(self, session: Session, tokens: list[Any], why: str) -> None:
        """Requests that left and will get no answer."""

    def session_closed(self, session: Session, why: str) -> None:
        """The session is over.  `unanswered` has been called for all that was in flight."""


class Session(asyncio.Protocol):
    """`serves` is the one request that the peer may send us: deliver_sm to a client, submit_sm to a server."""

    def __init__(self, handler: SessionHandler, *, serves: int, limits: Limits = DEFAULT_LIMITS) -> None:
        self.handler, self.limits, self._serves = handler, limits, serves
        self.bound = 0  # the bind command that succeeded
        self.system_id = ""
        self.name = uuid.uuid4().hex  # tells this session from every other, here and after a restart
        self.why_closed = ""
        self.closed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._tail = b""
        self._out: list[bytes] = []
        self._sequence = 0
        self._pending: dict[int, tuple[float, Any]] = {}  # oldest first, because all wait equally long
        self._control: dict[int, tuple[int, asyncio.Future]] = {}
        self._drained: asyncio.Future | None = None
        self._unanswered = 0
        self._reading, self._writable = True, True
        self._asked_at, self._answered_at = 0.0, 0.0  # asked: since when it has owed us answers without a break
        self._resumed_at, self._heard_at = self._loop.time(), self._loop.time()
        self._watch: asyncio.TimerHandle | None = None
        self._flushing = False

    # what owners call

    @property
    def room(self) -> int:
        """How many requests may be sent now."""
        if not self.bound or self.why_closed or not self._writable:
            return 0
        return self.limits.window - len(self._pending)

    @property
    def in_flight(self) -> int:
        return len(self._pending)

    @property
    def silent_seconds(self) -> float:
        """How long the peer has owed us answers and given none.  May be asked from any thread."""
        if not self._pending or not self._reading:
            return 0.0
        return max(0.0, self._loop.time() - max(self._asked_at, self._answered_at, self._resumed_at))

    @property
    def peer_reads(self) -> bool:
        """Whether the peer bound in a way that lets it be sent requests."""
        return self.bound in (pdu.BIND_RECEIVER, pdu.BIND_TRANSCEIVER)

    def request(self, command: int, body: bytes, token: Any) -> None:
        """Send a request; `token` comes back exactly once, in `answers_arrived` or in `unanswered`."""
        if self.why_closed:
            raise SessionClosed(self.why_closed)
        sequence, now = self._next_sequence(), self._loop.time()
        if not self._pending:
            self._asked_at = now
        self._pending[sequence] = (now, token)
        self._write(command, pdu.OK, sequence, body)

    def answer(self, command: int, sequence: int, status: int, body: bytes = b"") -> None:
        """Answer a request of the peer; after the end of the session this does nothing."""
        self._write(command | pdu.ANSWER, status, sequence, body)
        self.leave_unanswered()

    def leave_unanswered(self) -> None:
        """Count a request of the peer as done with although it gets no answer."""
        self._unanswered -= 1
        if not self._reading and not self.why_closed and self._unanswered <= self.limits.inbound // 2:
            self._reading, self._resumed_at = True, self._loop.time()
            self._transport.resume_reading()

    async def bind(self, command: int, bind: pdu.Bind) -> None:
        """Introduce ourselves; BindRefused carries the carrier's reason."""
        status, _body = await self.ask(command, pdu.encode_bind(bind), timeout=self.limits.bind_timeout)
        if status:
            self.close(f"bind refused: {pdu.status_text(status)}")
            raise BindRefused(status)

    async def ask(self, command: int, body: bytes, *, timeout: float) -> tuple[int, bytes]:
        """Ask and wait for the answer, its status and body.  TimeoutError or ConnectFailed when there is none."""
        if self.why_closed:
            raise ConnectFailed(self.why_closed)
        sequence, future = self._next_sequence(), self._loop.create_future()
        self._control[sequence] = (command, future)
        self._write(command, pdu.OK, sequence, body)
        try:
            return await asyncio.wait_for(future, timeout)
        finally:
            self._control.pop(sequence, None)

    async def unbind(self, *, patience: float) -> None:
        """Wait for what is in flight, say goodbye, hang up."""
        if self._pending and not self.why_closed:
            self._drained = self._loop.create_future()
            await asyncio.wait([self._drained], timeout=patience)
        with suppress(ConnectFailed, TimeoutError):
            await self.ask(pdu.UNBIND, b"", timeout=min(patience, _FAREWELL_SECONDS))
        self.close("we unbound")

    def close(self, why: str, *, at_once: bool = False) -> None:
        """Hang up.  What was written still leaves, unless `at_once`."""
        if self.why_closed:
            return
        self._flush()
        self.why_closed = why
        if self._transport is None:
            return
        if at_once:
            self._transport.abort()
        else:
            self._transport.close()
            self._loop.call_later(_FAREWELL_SECONDS, self._transport.abort)

    # what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        raw = transport.get_extra_info("socket")
        if raw is not None:
            # Without it small answers wait for the peer's delayed acknowledgement: 1,300 a second instead of 30,000.
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._heard_at = self._loop.time()
        self._watch = self._loop.call_later(self._watch_interval, self._look_around, self._heard_at)

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        buffer = self._tail + data if self._tail else data
        try:
            read = self._take_apart(buffer)
        except pdu.ProtocolError as error:
            self._write(pdu.GENERIC_NACK, error.status, 0)
            self.close(str(error))
            return
        self._tail = buffer[read:]
        if self._unanswered > self.limits.inbound and self._reading and not self.why_closed:
            self._reading = False
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self.handler.answers_arrived(self, [])

    def connection_lost(self, exc: Exception | None) -> None:
        self.why_closed = self.why_closed or (str(exc) if exc else "the peer hung up")
        if self._watch:
            self._watch.cancel()
        self._out.clear()
        for _command, future in self._control.values():
            if not future.done():
                future.set_exception(ConnectFailed(self.why_closed))
        tokens = [token for _sent_at, token in self._pending.values()]
        self._pending.clear()
        self._notice_drained()
        self.closed.set()
        if tokens:
            self.handler.unanswered(self, tokens, self.why_closed)
        self.handler.session_closed(self, self.why_closed)

    # reading

    def _take_apart(self, buffer: bytes) -> int:
        """Hand over each whole PDU of the buffer and return how many octets they were."""
        at, end = 0, len(buffer)
        requests: list[tuple[int, bytes]] = []
        answers: list[tuple[Any, int, bytes]] = []
        serves, pending = self._serves, self._pending
        answer_to_ours = (pdu.SUBMIT_SM if serves == pdu.DELIVER_SM else pdu.DELIVER_SM) | pdu.ANSWER
        try:
            while end - at >= 16 and not self.why_closed:
                length, command, status, sequence = _unpack(buffer, at)
                if not 16 <= length <= pdu.LONGEST:
                    raise pdu.ProtocolError(f"a PDU of {length} octets")
                if end - at < length:
                    break
                body = buffer[at + 16 : at + length]
                at += length
                if command == serves and self.bound:
                    requests.append((sequence, body))
                elif sequence in pending and command in (answer_to_ours, pdu.GENERIC_NACK):
                    if command == pdu.GENERIC_NACK:
                        status = status or pdu.SYSTEM_ERROR
                    answers.append((pending.pop(sequence)[1], status, body))
                else:
                    self._hand_over(requests, answers)
                    self._rare(command, status, sequence, body)
        finally:
            self._hand_over(requests, answers)
        return at

    def _hand_over(self, requests: list, answers: list) -> None:
        if requests:
            self._unanswered += len(requests)
            self.handler.requests_arrived(self, requests[:])
            requests.clear()
        if answers:
            self._answered_at = self._heard_at
            self.handler.answers_arrived(self, answers[:])
            answers.clear()
            self._notice_drained()

    def _notice_drained(self) -> None:
        if self._drained and not self._pending and not self._drained.done():
            self._drained.set_result(None)

    def _rare(self, command: int, status: int, sequence: int, body: bytes) -> None:
        if command & pdu.ANSWER:
            self._control_answered(command, status, sequence, body)
        elif command == pdu.ENQUIRE_LINK:
            self._write(pdu.ENQUIRE_LINK | pdu.ANSWER, pdu.OK, sequence)
        elif command == pdu.UNBIND:
            self._write(pdu.UNBIND | pdu.ANSWER, pdu.OK, sequence)
            self.close("the peer unbound")
        elif command in pdu.BINDS:
            self._bind_asked(command, sequence, body)
        elif command == pdu.QUERY_SM and self.bound and self._serves == pdu.SUBMIT_SM:
            self._query_asked(sequence, body)
        elif command == self._serves:
            self._write(command | pdu.ANSWER, pdu.NOT_BOUND, sequence)
        else:
            self._write(pdu.GENERIC_NACK, pdu.INVALID_COMMAND, sequence)

    def _control_answered(self, command: int, status: int, sequence: int, body: bytes) -> None:
        asked, future = self._control.pop(sequence, (0, None))
        if future is None or future.done():
            return
        if asked in pdu.BINDS and command == asked | pdu.ANSWER and not status:
            self.bound = asked  # at once: news may follow in the same read
        if command == pdu.GENERIC_NACK:
            status = status or pdu.SYSTEM_ERROR
        future.set_result((status, body))

    def _bind_asked(self, command: int, sequence: int, body: bytes) -> None:
        status = pdu.ALREADY_BOUND
        if not self.bound:
            try:
                bind = pdu.decode_bind(body)
                status = self.handler.bind_requested(self, command, bind)
            except pdu.ProtocolError:
                status = pdu.BIND_FAILED
        if status == pdu.OK:
            self.bound, self.system_id = command, bind.system_id
        self._write(command | pdu.ANSWER, status, sequence, b"\0" if status else b"signalbox\0")
        if status == pdu.OK:
            self.handler.session_bound(self)
        elif not self.bound:
            self.close("bind refused")

    def _query_asked(self, sequence: int, body: bytes) -> None:
        try:
            status, answer = self.handler.query_asked(self, pdu.decode_query(body))
        except pdu.ProtocolError as error:
            status, answer = error.status, b""
        self._write(pdu.QUERY_SM | pdu.ANSWER, status, sequence, answer)

    # writing

    def _next_sequence(self) -> int:
        self._sequence = self._sequence % 0x7FFF_FFFF + 1
        return self._sequence

    def _write(self, command: int, status: int, sequence: int, body: bytes = b"") -> None:
        if self.why_closed:
            return
        self._out.append(pdu.HEADER.pack(16 + len(body), command, status, sequence))
        if body:
            self._out.append(body)
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if not self._out or self._transport is None or self.why_closed:
            return
        data = b"".join(self._out)
        self._out.clear()
        self._transport.write(data)
        if not self._writable and self._transport.get_write_buffer_size() > _UNREAD_LIMIT:
            self.close("the peer does not read", at_once=True)

    # watching

    @property
    def _watch_interval(self) -> float:
        return min(1.0, self.limits.response_timeout / 4, self.limits.enquire_link / 4)

    def _look_around(self, begun_at: float) -> None:
        if self.why_closed:
            return
        now = self._loop.time()
        self._watch = self._loop.call_later(self._watch_interval, self._look_around, begun_at)
        if not self.bound:
            if now - begun_at > self.limits.bind_timeout:
                self.close("no bind came", at_once=True)
            return
        if self._reading:  # while we do not read, silence is our own doing
            self._give_up_on_the_oldest(now)
            self._keep_alive(now)

    def _give_up_on_the_oldest(self, now: float) -> None:
        late, newest = [], 0.0
        for sequence, (sent_at, token) in self._pending.items():
            if now - max(sent_at, self._resumed_at) < self.limits.response_timeout:
                break
            late.append((sequence, token))
            newest = sent_at
        for sequence, _token in late:
            del self._pending[sequence]
        if not late:
            return
        # Not one lost answer: the peer is silent, and more would be lost.  The loop's clock counts milliseconds, and an
        # answer within the one in which we asked is an answer.
        if self._answered_at < newest:
            self.close(f"no answer for {self.limits.response_timeout:g} s", at_once=True)
        self.handler.unanswered(self, [token for _sequence, token in late], "no answer in time")
        self._notice_drained()

    def _keep_alive(self, now: float) -> None:
        silence = now - max(self._heard_at, self._resumed_at)
        if silence > self.limits.enquire_link + self.limits.response_timeout:
            self.close("the peer is silent", at_once=True)
        elif silence > self.limits.enquire_link and not self._control:
            future = self._loop.create_future()
            sequence = self._next_sequence()
            self._control[sequence] = (pdu.ENQUIRE_LINK, future)
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._write(pdu.ENQUIRE_LINK, pdu.OK, sequence)
