"""The SMPP carrier type: a line that stays bound by itself, behind a synchronous face."""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
import threading
from collections import deque
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

import uvloop

from messaging.channels.types.base import (
    BindState,
    Channel,
    ChannelState,
    NotSent,
    OnInbound,
    OnLeaving,
    Outcome,
    Outgoing,
    ParsedInbound,
    ParsedReceipt,
)
from messaging.channels.types.smpp import outbox, pdu, receipts
from messaging.channels.types.smpp.config import BINDS, SmppConfig
from messaging.channels.types.smpp.endpoints import connect
from messaging.channels.types.smpp.governor import Governor, Throttle
from messaging.channels.types.smpp.inbox import Inbox
from messaging.channels.types.smpp.session import (
    BindRefused,
    ConnectFailed,
    Limits,
    Session,
    SessionHandler,
)

logger = logging.getLogger(__name__)

_OPEN_SECONDS = 5
_LONGEST_PAUSE = 60
_T = TypeVar("_T")


class SmppChannel(Channel):
    """One SMPP bind.  Make it anywhere, `open` it in the process that will use it; `send` from any thread."""

    code = "smpp"
    config_class = SmppConfig

    def __init__(
        self,
        config: Mapping[str, Any] | SmppConfig,
        *,
        on_inbound: OnInbound | None = None,
        on_leaving: OnLeaving | None = None,
    ) -> None:
        self.config = config if isinstance(config, SmppConfig) else SmppConfig.from_mapping(config)
        self._on_inbound, self._on_leaving = on_inbound, on_leaving
        self._line: _Line | None = None

    def open(self) -> None:
        if self._line is None:
            self._line = _Line(self.config, self._on_inbound, self._on_leaving)
            self._line.start()

    def close(self) -> None:
        line, self._line = self._line, None
        if line:
            line.stop()

    def send(self, batch: Sequence[Outgoing]) -> Iterator[Outcome]:
        if self._line is None:
            return iter([NotSent(outgoing.attempt_id, "the channel is not open") for outgoing in batch])
        return self._line.send(batch)

    def parse_receipt(self, raw: bytes) -> ParsedReceipt | None:
        try:
            return receipts.parse_receipt(pdu.decode_message(raw))
        except pdu.ProtocolError:
            return None

    def parse_inbound(self, raw: bytes) -> ParsedInbound | None:
        try:
            return receipts.parse_inbound(pdu.decode_message(raw))
        except pdu.ProtocolError:
            return None

    def state(self) -> ChannelState:
        if self._line is None:
            return ChannelState("down", datetime.now(UTC), "the channel is not open")
        return self._line.state()


class _Line(SessionHandler):
    """Lives in the loop of one daemon thread.  Only `start`, `stop`, `send` and `state` are called from outside."""

    def __init__(self, config: SmppConfig, on_inbound: OnInbound | None, on_leaving: OnLeaving | None) -> None:
        self._config, self._on_leaving = config, on_leaving
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=f"smpp {config.address}", daemon=True)
        self._first_verdict = threading.Event()
        self._inbox = Inbox(on_inbound)
        self._governor, self._throttle = Governor(config.rate_per_second), Throttle()
        self._waiting: deque[outbox.Entry] = deque()
        self._session: Session | None = None
        self._pump_timer: asyncio.TimerHandle | None = None
        self._stopping = asyncio.Event()
        self._standing: tuple[BindState, datetime, str] = ("connecting", datetime.now(UTC), "")

    # from any thread

    def start(self) -> None:
        self._thread.start()
        self._first_verdict.wait(_OPEN_SECONDS)

    def stop(self) -> None:
        with suppress(RuntimeError):  # the loop has ended already
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(self._config.response_timeout_seconds + 5)

    def send(self, batch: Sequence[Outgoing]) -> Iterator[Outcome]:
        job = outbox.Job(batch)
        entries, refusals = outbox.encode_batch(batch, job)
        if refusals:
            job.tell(refusals)
        if entries:
            try:
                self._loop.call_soon_threadsafe(self._enqueue, job, entries)
            except RuntimeError:
                outbox.tell_all(entries, outbox.not_sent("the channel is closed"))
        return job.outcomes(is_alive=self._thread.is_alive)

    def state(self) -> ChannelState:
        bind, since, error = self._standing
        session = self._session
        return ChannelState(bind, since, error, session.in_flight if session else 0, len(self._waiting))

    # staying bound

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._stay_bound())
        finally:
            self._abandon_waiting("the channel is closed")
            self._first_verdict.set()
            self._inbox.stop()
            self._loop.close()

    async def _stay_bound(self) -> None:
        pause = self._config.reconnect_seconds
        while not self._stopping.is_set():
            if await self._one_session():
                pause = self._config.reconnect_seconds
            # Jitter, so that the binds of many workers do not knock at a restarted carrier all at once.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause * random.uniform(0.5, 1))  # noqa: S311
            pause = min(_LONGEST_PAUSE, pause * 2)
        await self._inbox.finish()
        self._stand("down", "closed")

    async def _one_session(self) -> bool:
        """Bind and stay until the session ends.  True when it had come up at all."""
        try:
            session = await self._unless_stopping(self._connected())
        except BindRefused as error:
            self._stand("refused", str(error))
            return False
        except ConnectFailed as error:
            self._stand("down", str(error))
            return False
        if session is None:
            return False
        self._session = session
        self._stand("bound", "")
        self._pump()
        await self._unless_stopping(session.closed.wait())
        if not session.closed.is_set():
            await self._take_leave(session)
        self._session = None
        self._stand("down", session.why_closed)
        self._abandon_waiting(f"the line dropped: {session.why_closed}")
        return True

    async def _unless_stopping(self, coroutine: Coroutine[Any, Any, _T]) -> _T | None:
        """Its result, or None when it was cut short because the channel is closing."""
        work, stopping = self._loop.create_task(coroutine), self._loop.create_task(self._stopping.wait())
        await asyncio.wait((work, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if work.done():
            return work.result()
        work.cancel()
        await asyncio.wait((work,))
        return None

    async def _take_leave(self, session: Session) -> None:
        self._abandon_waiting("the channel is closing")
        await self._inbox.finish()
        await session.unbind(patience=self._config.response_timeout_seconds)
        await session.closed.wait()

    async def _connected(self) -> Session:
        config = self._config
        return await connect(
            self,
            host=config.host,
            port=config.port,
            command=BINDS[config.bind],
            bind=pdu.Bind(config.system_id, config.password, config.system_type),
            limits=Limits(
                window=config.window,
                response_timeout=config.response_timeout_seconds,
                enquire_link=config.enquire_link_seconds,
            ),
            ssl=ssl.create_default_context() if config.tls else None,
        )

    def _stand(self, bind: BindState, error: str) -> None:
        before = self._standing
        since = before[1] if before[0] == bind else datetime.now(UTC)
        self._standing = (bind, since, error)
        if before[0] != bind or before[2] != error:
            logger.info("smpp.line", extra={"line": self._config.address, "bind": bind, "why": error})
        if bind != "connecting":
            self._first_verdict.set()

    # sending

    def _enqueue(self, job: outbox.Job, entries: list[outbox.Entry]) -> None:
        if refusal := self._why_not_now():
            outbox.tell_all(entries, outbox.not_sent(refusal))
            return
        self._waiting.extend(entries)
        self._pump()
        if self._waiting:
            self._loop.call_later(self._config.queue_seconds, self._expire, job)

    def _why_not_now(self) -> str:
        if self._config.bind == "receiver":
            return "this bind only receives"
        if self._stopping.is_set():
            return "the channel is closing"
        if self._session is None:
            bind, _since, error = self._standing
            return f"not bound ({bind}): {error}" if error else f"not bound ({bind})"
        return ""

    def _expire(self, job: outbox.Job) -> None:
        late = [entry for entry in self._waiting if entry.job is job]
        if late:
            self._waiting = deque(entry for entry in self._waiting if entry.job is not job)
            outbox.tell_all(late, outbox.not_sent("no place in the window in time"))

    def _abandon_waiting(self, why: str) -> None:
        entries, self._waiting = list(self._waiting), deque()
        outbox.tell_all(entries, outbox.not_sent(why))

    def _pump(self) -> None:
        """Write as many as the window, the rate and the carrier's patience allow."""
        while (session := self._session) and (leaving := self._may_leave(session)):
            if self._is_announced(leaving):
                for entry in leaving:
                    session.request(pdu.SUBMIT_SM, entry.body, entry)

    def _may_leave(self, session: Session) -> list[outbox.Entry]:
        leaving, room, now = [], session.room, self._loop.time()
        while self._waiting and len(leaving) < room:
            wait = self._throttle.wait(now) or self._governor.wait(now)
            if wait:
                self._pump_later(wait)
                break
            entry = self._waiting.popleft()
            self._governor.spend(entry.outgoing.segments)
            leaving.append(entry)
        return leaving

    def _is_announced(self, leaving: list[outbox.Entry]) -> bool:
        """Whether our owner knows that these are about to leave; if it can't be told, they stay."""
        if self._on_leaving is None:
            return True
        try:
            self._on_leaving([entry.outgoing.attempt_id for entry in leaving])
        except Exception as error:  # whatever it was, nobody would know that they left
            logger.exception("smpp.leaving_not_announced", extra={"count": len(leaving)})
            outbox.tell_all(leaving, outbox.not_sent(f"its leaving could not be noted: {error}"))
            return False
        return True

    def _pump_later(self, seconds: float) -> None:
        if self._pump_timer is None:
            self._pump_timer = self._loop.call_later(seconds, self._pump_again)

    def _pump_again(self) -> None:
        self._pump_timer = None
        self._pump()

    # what the session tells

    def requests_arrived(self, session: Session, requests: list[tuple[int, bytes]]) -> None:
        self._inbox.take(session, requests)

    def answers_arrived(self, session: Session, answers: list[tuple[outbox.Entry, int, bytes]]) -> None:
        now, by_job = self._loop.time(), {}
        for entry, status, body in answers:
            by_job.setdefault(entry.job, []).append(outbox.outcome_of(entry, status, body))
            if status == pdu.THROTTLED:
                self._throttle.complained(now)
            else:
                self._throttle.accepted(now)
        for job, outcomes in by_job.items():
            job.tell(outcomes)
        self._pump()

    def unanswered(self, session: Session, tokens: list[outbox.Entry], why: str) -> None:
        outbox.tell_all(tokens, outbox.unknown(why))
        self._pump()
