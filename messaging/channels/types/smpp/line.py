"""One line to a carrier: its binds, what waits to leave by them, and what comes in by them."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import uvloop

from messaging.channels.types.base import (
    ChannelState,
    OnAnswers,
    OnInbound,
    OnLeaving,
    Outcome,
    Outgoing,
    ParsedReceipt,
    pass_on,
)
from messaging.channels.types.smpp import outbox, pdu, queries
from messaging.channels.types.smpp.binds import Bind, Standing
from messaging.channels.types.smpp.config import BINDS, SmppConfig
from messaging.channels.types.smpp.governor import Governor, Throttle
from messaging.channels.types.smpp.inbox import Inbox
from messaging.channels.types.smpp.names import NAMINGS
from messaging.channels.types.smpp.session import Session, SessionHandler
from messaging.channels.types.smpp.submits import Writer

logger = logging.getLogger(__name__)

_OPEN_SECONDS = 5


class Line(SessionHandler):
    """Lives in the loop of one daemon thread.  Only `start`, `stop`, `send` and `state` are called from outside.

    All binds share what waits, the rate and the throttle; each has a window of its own.  A message of several parts
    may leave by several binds.
    """

    def __init__(
        self,
        config: SmppConfig,
        on_inbound: OnInbound | None,
        on_leaving: OnLeaving | None,
        on_answers: OnAnswers | None,
    ) -> None:
        self._config, self._on_leaving, self._on_answers = config, on_leaving, on_answers
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=f"smpp {config.address}", daemon=True)
        self._first_verdict = threading.Event()
        self._inbox = Inbox(on_inbound)
        self._writer, self._naming = Writer(config), NAMINGS[config.receipt_ids]
        self._governor, self._throttle = Governor(config.rate_per_second), Throttle()
        self._waiting: deque[outbox.Submit] = deque()
        self._sessions: list[Session] = []
        self._pump_timer: asyncio.TimerHandle | None = None
        self._stopping = asyncio.Event()
        self._binds = [Bind(config, command, self, self) for command in _commands(config)]

    # from any thread

    def start(self) -> None:
        self._thread.start()
        self._first_verdict.wait(_OPEN_SECONDS)

    def stop(self) -> None:
        with suppress(RuntimeError):  # the loop has ended already
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(2 * self._config.response_timeout_seconds + 5)

    def send(self, batch: Sequence[Outgoing]) -> Iterator[Outcome]:
        job = outbox.Job(batch)
        submits, refusals = outbox.write_batch(batch, job, self._writer)
        if refusals:
            job.tell(refusals)
        if submits:
            try:
                self._loop.call_soon_threadsafe(self._enqueue, job, submits)
            except RuntimeError:
                outbox.not_sent(submits, "the channel is closed")
        return job.outcomes(is_alive=self._thread.is_alive)

    def query(self, references: Sequence[str], *, source: str) -> list[ParsedReceipt]:
        asked = asyncio.run_coroutine_threadsafe(self._query(references, self._writer.source(source)), self._loop)
        # Whatever happens to the line, its caller gets on with its work.
        rounds = -(-len(references) // queries.AT_ONCE)
        try:
            return asked.result(rounds * self._config.response_timeout_seconds + _OPEN_SECONDS)
        except TimeoutError:
            asked.cancel()
            return []

    async def _query(self, references: Sequence[str], address: tuple[str, int, int]) -> list[ParsedReceipt]:
        ways = self._ways_out()
        if not ways or self._stopping.is_set():
            return []
        return await queries.ask_all(
            ways[0], references, address=address, naming=self._naming, timeout=self._config.response_timeout_seconds
        )

    def state(self) -> ChannelState:
        standings = [bind.standing for bind in self._binds]
        best = _best(standings)
        return ChannelState(
            best.state,
            best.since,
            next((standing.error for standing in standings if standing.error), ""),
            sum(session.in_flight for session in list(self._sessions)),
            len(self._waiting),
            sum(standing.state == "bound" for standing in standings),
            len(standings),
            min((session.silent_seconds for session in list(self._sessions) if session.in_flight), default=0.0),
        )

    # staying bound

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._stay_bound())
        finally:
            self._abandon("the channel is closed", begun_too=True)
            self._first_verdict.set()
            self._inbox.stop()
            self._loop.close()

    async def _stay_bound(self) -> None:
        await asyncio.gather(*(bind.stay(self._stopping) for bind in self._binds))
        await self._inbox.finish()

    def bind_stands(self, bind: Bind) -> None:
        state, _since, error = bind.standing
        logger.info("smpp.line", extra={"line": self._config.address, "bind": state, "why": error})
        if state == "bound" or all(bind.standing.state != "connecting" for bind in self._binds):
            self._first_verdict.set()

    def bind_up(self, session: Session) -> None:
        self._sessions.append(session)
        self._pump()

    def bind_gone(self, session: Session) -> None:
        self._sessions.remove(session)
        if not self._ways_out():
            self._abandon(f"the line dropped: {session.why_closed}")

    async def before_goodbye(self, session: Session) -> None:
        """Finish messages whose first part has left, and acknowledge what came in."""
        self._abandon("the channel is closing")
        until = self._loop.time() + self._config.response_timeout_seconds
        while self._waiting and self._ways_out() and self._loop.time() < until:
            await asyncio.sleep(0.02)
        await self._inbox.finish()

    # sending

    def _enqueue(self, job: outbox.Job, submits: list[outbox.Submit]) -> None:
        if refusal := self._why_not_now():
            outbox.not_sent(submits, refusal)
            return
        self._waiting.extend(submits)
        self._pump()
        if self._waiting:
            self._loop.call_later(self._config.queue_seconds, self._expire, job)

    def _why_not_now(self) -> str:
        if self._config.bind == "receiver":
            return "this bind only receives"
        if self._stopping.is_set():
            return "the channel is closing"
        if not self._ways_out():
            standing = _best([bind.standing for bind in self._binds])
            return (
                f"not bound ({standing.state}): {standing.error}" if standing.error else f"not bound ({standing.state})"
            )
        return ""

    def _ways_out(self) -> list[Session]:
        return [session for session in self._sessions if session.bound != pdu.BIND_RECEIVER and not session.why_closed]

    def _expire(self, job: outbox.Job) -> None:
        late = [submit for submit in self._waiting if submit.job is job and not submit.has_begun]
        if late:
            self._waiting = deque(submit for submit in self._waiting if submit.job is not job or submit.has_begun)
            outbox.not_sent(late, "no place in the window in time")

    def _abandon(self, why: str, *, begun_too: bool = False) -> None:
        """Give back what waits.  Messages whose first part has left get their time to leave whole."""
        waiting, self._waiting = self._waiting, deque()
        begun = [submit for submit in waiting if submit.has_begun]
        outbox.not_sent((submit for submit in waiting if not submit.has_begun), why)
        if begun_too:
            for whole in {submit.whole for submit in begun if submit.whole}:
                self._give_up(whole)
        else:
            self._waiting.extend(begun)
            for submit in begun:
                self._give_time(submit.whole)

    def _give_time(self, whole: outbox.Whole | None) -> None:
        if whole and not whole.is_timed:
            whole.is_timed = True
            patience = max(self._config.queue_seconds, self._config.response_timeout_seconds)
            self._loop.call_later(patience, self._give_up, whole)

    def _give_up(self, whole: outbox.Whole) -> None:
        whole.give_up()
        self._tell([(whole.job, whole.outcome())])

    def _pump(self) -> None:
        """Write as many as the windows, the rate and the carrier's patience allow."""
        while self._waiting and (ways := [session for session in self._ways_out() if session.room > 0]):
            leaving = self._may_leave(sum(session.room for session in ways))
            if not leaving:
                break
            self._hand_out(self._announced(leaving), ways)

    def _may_leave(self, room: int) -> list[outbox.Submit]:
        leaving: list[outbox.Submit] = []
        waiting, now = self._waiting, self._loop.time()
        while waiting and len(leaving) < room:
            whole = waiting[0].whole
            if whole and not whole.goes_on:  # a part of it was refused: the others stay here
                waiting.popleft()
                continue
            wait = self._throttle.wait(now) or self._governor.wait(now)
            if wait:
                self._pump_later(wait)
                break
            submit = waiting.popleft()
            self._governor.spend(submit.cost)
            self._throttle.spend(submit.cost)
            leaving.append(submit)
        return leaving

    def _announced(self, leaving: list[outbox.Submit]) -> list[outbox.Submit]:
        """Those whose owner knows that they are about to leave; if it can't be told, the others stay."""
        news = [submit for submit in leaving if _begins(submit)]
        if self._on_leaving is None or not news:
            return leaving
        try:
            self._on_leaving([submit.attempt_id for submit in news])
        except Exception as error:  # whatever it was, nobody would know that they left
            logger.exception("smpp.leaving_not_announced", extra={"count": len(news)})
            outbox.not_sent(news, f"its leaving could not be noted: {error}")
            unknown_of = {submit.attempt_id for submit in news}
            return [submit for submit in leaving if submit.attempt_id not in unknown_of]
        return leaving

    def _hand_out(self, leaving: list[outbox.Submit], ways: list[Session]) -> None:
        """Share them out evenly, as far as each window reaches."""
        at, ways = 0, sorted(ways, key=lambda session: session.in_flight)
        while at < len(leaving):
            share = -(-(len(leaving) - at) // len(ways))
            for session in ways:
                for submit in leaving[at : at + min(share, session.room)]:
                    if submit.whole:
                        submit.whole.in_flight += 1
                    session.request(pdu.SUBMIT_SM, submit.body, submit)
                    at += 1

    def _pump_later(self, seconds: float) -> None:
        if self._pump_timer is None:
            self._pump_timer = self._loop.call_later(seconds, self._pump_again)

    def _pump_again(self) -> None:
        self._pump_timer = None
        self._pump()

    # what the sessions tell

    def requests_arrived(self, session: Session, requests: list[tuple[int, bytes]]) -> None:
        self._inbox.take(session, requests)

    def answers_arrived(self, session: Session, answers: list[tuple[outbox.Submit, int, bytes]]) -> None:
        told, refused, segments = [], 0, 0
        for submit, status, body in answers:
            if status in outbox.TOO_FAST:
                refused += 1
                if submit.whole and submit.whole.goes_on:
                    self._leave_again(submit, submit.whole, status)
                    continue
            else:
                segments += submit.cost
            told.append((submit.job, outbox.outcome_of(submit, status, body, self._naming)))
        if answers:
            accepted = len(answers) - refused
            self._throttle.heard(self._loop.time(), accepted=accepted, refused=refused, segments=segments)
            self._tell(told)
        self._pump()

    def _tell(self, told: list[tuple[outbox.Job, Outcome | None]]) -> None:
        """What came of those that left: noted before whoever waits for it hears."""
        pass_on(self._on_answers, [outcome for _job, outcome in told if outcome])
        outbox.tell(told)

    def _leave_again(self, submit: outbox.Submit, whole: outbox.Whole, status: int) -> None:
        whole.too_fast(status)
        self._waiting.appendleft(submit)
        self._give_time(whole)

    def unanswered(self, session: Session, tokens: list[outbox.Submit], why: str) -> None:
        self._tell([(submit.job, outbox.unknown(submit, why)) for submit in tokens])
        self._pump()


def _begins(submit: outbox.Submit) -> bool:
    """Whether it is the first of its message to leave."""
    if submit.whole is None:
        return True
    begins, submit.whole.has_begun = not submit.whole.has_begun, True
    return begins


def _commands(config: SmppConfig) -> list[int]:
    return list(BINDS[config.bind]) * config.binds


def _best(standings: list[Standing]) -> Standing:
    """The one that stands for the line: a bind that is up, else one that may come up."""
    order = ("bound", "connecting", "refused", "down")
    return min(standings, key=lambda standing: (order.index(standing.state), standing.since), default=_NOWHERE)


_NOWHERE = Standing("down", datetime.min.replace(tzinfo=UTC), "")
