"""A carrier that does what a test says, on real sockets, in a thread of its own."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ssl import SSLContext
from typing import Any

from messaging.channels.types.smpp import pdu
from messaging.channels.types.smpp.endpoints import serve
from messaging.channels.types.smpp.session import DEFAULT_LIMITS, Limits, Session, SessionHandler

#: What a test may do with a submit: (session, sequence, message).
OnSubmit = Callable[[Session, int, pdu.Message], None]
PASSWORD = "secret"  # noqa: S105
SECONDS = 5  # the longest a test waits for anything


def accepting(message_id: str = "m1") -> OnSubmit:
    return lambda session, sequence, message: session.answer(
        pdu.SUBMIT_SM, sequence, pdu.OK, pdu.encode_message_id(message_id)
    )


def refusing(status: int) -> OnSubmit:
    return lambda session, sequence, message: session.answer(pdu.SUBMIT_SM, sequence, status)


def silent(session: Session, sequence: int, message: pdu.Message) -> None:
    session.leave_unanswered()


def dropping(session: Session, sequence: int, message: pdu.Message) -> None:
    session.close("dropped by the test", at_once=True)


class ScriptedCarrier(SessionHandler):
    """Checks a password, does `on_submit`, and remembers what came."""

    def __init__(
        self, on_submit: OnSubmit, *, password: str, limits: Limits, port: int, ssl: SSLContext | None
    ) -> None:
        self.on_submit, self._password, self._limits, self._port, self._ssl = on_submit, password, limits, port, ssl
        self.submits: queue.SimpleQueue[pdu.Message] = queue.SimpleQueue()
        self.delivered: queue.SimpleQueue[tuple[Any, int]] = queue.SimpleQueue()
        self.bound: queue.SimpleQueue[Session] = queue.SimpleQueue()
        self.ended: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.sessions: list[Session] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="scripted carrier", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._server = self._do(serve(self, host="127.0.0.1", port=self._port, limits=self._limits, ssl=self._ssl))

    @property
    def port(self) -> int:
        return self._server.sockets[0].getsockname()[1]

    def deliver(self, message: pdu.Message, token: Any = None) -> None:
        """Send news on the newest line; its (token, status) will appear in `delivered`."""

        async def deliver() -> None:
            self.sessions[-1].request(pdu.DELIVER_SM, pdu.encode_message(message), token)

        self._do(deliver())

    def hang_up(self) -> None:
        async def hang_up() -> None:
            for session in list(self.sessions):
                session.close("hung up by the test", at_once=True)

        self._do(hang_up())

    def refuse_all(self) -> None:
        """Let nobody in from now on."""
        self._password = ""

    def stop(self) -> None:
        async def stop() -> None:
            self._server.close()
            for session in list(self.sessions):
                session.close("the test ended", at_once=True)
                await session.closed.wait()

        self._do(stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS)
        self._loop.close()

    def _do(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(SECONDS)

    def bind_requested(self, session: Session, command: int, bind: pdu.Bind) -> int:
        return pdu.OK if bind.password == self._password else pdu.INVALID_PASSWORD

    def session_bound(self, session: Session) -> None:
        self.sessions.append(session)
        self.bound.put(session)

    def requests_arrived(self, session: Session, requests: list[tuple[int, bytes]]) -> None:
        for sequence, body in requests:
            try:
                message = pdu.decode_message(body)
            except pdu.ProtocolError as error:
                session.answer(pdu.SUBMIT_SM, sequence, error.status)
                continue
            self.submits.put(message)
            self.on_submit(session, sequence, message)

    def answers_arrived(self, session: Session, answers: list[tuple[Any, int, bytes]]) -> None:
        for token, status, _body in answers:
            self.delivered.put((token, status))

    def session_closed(self, session: Session, why: str) -> None:
        if session in self.sessions:
            self.sessions.remove(session)
        self.ended.put(why)


@contextmanager
def scripted_carrier(
    on_submit: OnSubmit | None = None,
    *,
    password: str = PASSWORD,
    limits: Limits = DEFAULT_LIMITS,
    port: int = 0,
    ssl: SSLContext | None = None,
) -> Iterator[ScriptedCarrier]:
    carrier = ScriptedCarrier(on_submit or accepting(), password=password, limits=limits, port=port, ssl=ssl)
    carrier.start()
    try:
        yield carrier
    finally:
        carrier.stop()
