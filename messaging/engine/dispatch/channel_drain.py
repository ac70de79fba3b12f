"""One channel being drained: batch after batch, the next one claimed while the last one is still on the wire."""

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from math import inf
from typing import NamedTuple
from uuid import UUID

from django.db import Error, InterfaceError, OperationalError, connection

from messaging.channels.runtime import BATCHES_AT_ONCE, MOST_WINDOWS_IN_HAND, OpenChannel
from messaging.channels.types.base import Outcome, Outgoing
from messaging.engine.journal import note_claimed, note_outcomes

from .claim import Claimed, claim
from .outcomes import record_outcomes
from .wire import note_returned, worker_name

log = logging.getLogger(__name__)

#: Batches on the wire at once: while one is answered, the next is claimed and handed over.
IN_FLIGHT = BATCHES_AT_ONCE
#: So many channels are drained by a process at once.
MOST_CHANNELS = 32
#: A database that restarts is waited for so long: what the carrier answered, nobody else can tell.
RECORD_SECONDS = 30
RETRY_PAUSE_SECONDS = 0.5
ATTEND_SECONDS = 1.0
#: Whose carrier has not answered for so long is not at it: another process with a line to it may be quicker.
LONG_SECONDS = 2.0
#: Where something just left, more may come: a look costs less than being rung for it.
LINGER_SECONDS, LOOK_SECONDS = 0.03, 0.015
#: Fewer messages than this are answered before many more can have come.
FEW = 50


def _make_waiters() -> None:
    """Threads in which carriers are waited for, so that nothing else has to wait for them.  A fork leaves them behind."""
    global _waiters
    _waiters = ThreadPoolExecutor(max_workers=MOST_CHANNELS * IN_FLIGHT, thread_name_prefix="answers")


_make_waiters()
os.register_at_fork(after_in_child=_make_waiters)


class Answered(NamedTuple):
    """What came of a batch, and how long that took."""

    outcomes: list[Outcome]
    seconds: float


class OnTheWire(NamedTuple):
    """A claimed batch that was handed over at `since`, by the monotonic clock."""

    claimed: dict[UUID, Claimed]
    answered: Future[Answered]
    since: float


class Attendance:
    """Tells the bell that somebody is at a channel, now and then, and when nobody is any more."""

    def __init__(self, attend: Callable[[UUID], None], leave: Callable[[UUID], None], channel_id: UUID) -> None:
        self._attend, self._leave, self._channel_id = attend, leave, channel_id
        self._told_at = -ATTEND_SECONDS
        self.has_left = False

    def note(self) -> None:
        if not self.has_left and time.monotonic() - self._told_at > ATTEND_SECONDS:
            self._told_at = time.monotonic()
            self._attend(self._channel_id)

    def end(self) -> None:
        self.has_left = True
        self._leave(self._channel_id)


class ChannelDrain:
    """What one drain does on one channel.  No step of it waits for the carrier."""

    def __init__(self, channel: OpenChannel, attendance: Attendance) -> None:
        self.channel, self._attendance = channel, attendance
        self._on_the_wire: deque[OnTheWire] = deque()
        self._looks_at = self._lingers_until = 0.0
        self.handed_over = 0
        self.failure: Exception | None = None
        self.is_over = False

    @property
    def windows_in_hand(self) -> float:
        return sum(len(sent.claimed) for sent in self._on_the_wire) / self.channel.window

    @property
    def next_answer(self) -> Future[Answered] | None:
        """What the next step waits for, if anything."""
        return self._on_the_wire[0].answered if self._on_the_wire else None

    @property
    def waits_since(self) -> float:
        """When the batch was handed over that the carrier has not answered yet; infinity where there is none."""
        return self._on_the_wire[0].since if self._on_the_wire else inf

    @property
    def looks_at(self) -> float:
        """When a step looks for ripe messages again, by the monotonic clock; infinity: not before the next answer."""
        return inf if self.failure or len(self._on_the_wire) >= IN_FLIGHT else self._looks_at

    def step(self, *, room: Callable[[], int]) -> None:
        """Write down what was answered, and look for as many messages as there is `room` for then, when it is time to.

        The claim of each message is committed before its first byte leaves, and no transaction is open while the carrier
        thinks.  After a failure nothing more is claimed: what is on the wire is seen to.
        """
        try:
            self._finish_answered()
            if not self.failure and time.monotonic() - self.waits_since < LONG_SECONDS:
                self._attendance.note()
            if time.monotonic() >= self.looks_at:
                self._look(room())
        except Exception as error:  # other channels are at work in this process: nobody else can tell what they answer
            log.exception("a channel could not be drained", extra={"channel": str(self.channel.id)})
            self.failure = self.failure or error
        if self.failure and not self._on_the_wire:
            self.is_over = True

    def _finish_answered(self) -> None:
        while self._on_the_wire and self._on_the_wire[0].answered.done():
            self._looks_at, self._lingers_until = 0.0, time.monotonic() + LINGER_SECONDS
            self._finish(self._on_the_wire.popleft())

    def _look(self, room: int) -> None:
        batch = self._claim(room) if room else []
        if batch:
            self._hand_over(batch)
        if self._on_the_wire:
            self._looks_at = inf if self._is_all(batch, room) else 0.0
        elif self._attendance.has_left:
            self.is_over = True
        elif time.monotonic() < self._lingers_until:
            self._looks_at = time.monotonic() + LOOK_SECONDS
        else:
            self._attendance.end()

    def _claim(self, room: int) -> list[Claimed]:
        """The next batch; none while the database is away, so that what is on the wire is seen to first."""
        try:
            room = min(room, self.channel.take_room())
            batch = claim(channel_id=self.channel.id, limit=room, worker=worker_name()) if room else []
            if room and not batch:
                self.channel.give_room_back()
            return batch
        except (OperationalError, InterfaceError) as error:
            reconnect_or_raise(error)
            return []

    def _is_all(self, batch: list[Claimed], room: int) -> bool:
        """Whether nothing else is worth a look: a few that could have been more, of one organisation.  Several share a batch
        evenly, whatever waits for each."""
        could_be = min(FEW, self.channel.batch_size, room)
        return len(batch) < max(could_be, 1) and len({message.organisation_id for message in batch}) < 2

    def _hand_over(self, batch: list[Claimed]) -> None:
        outgoing = [
            Outgoing(
                attempt_id=message.attempt_id,
                sender=message.sender or self.channel.source_address,
                recipient=message.recipient,
                body=message.body,
                encoding="ucs2" if message.is_unicode else "gsm7",
                segments=message.segments,
                reference=message.reference,
                validity_seconds=message.seconds_valid,
            )
            for message in batch
        ]
        note_claimed(batch, channel_id=self.channel.id)
        since, claimed = time.monotonic(), {message.attempt_id: message for message in batch}
        self._on_the_wire.append(
            OnTheWire(claimed, _waiters.submit(_wait_for, self.channel.send(outgoing), since), since)
        )
        self.handed_over += len(batch)

    def _finish(self, sent: OnTheWire) -> None:
        """Write down every outcome."""
        outcomes, seconds = sent.answered.result()
        self.channel.note_batch(len(sent.claimed), seconds)
        self._record(sent.claimed, outcomes)
        note_returned(outcomes)
        self._tell_channel(outcomes)
        note_outcomes(sent.claimed, outcomes, channel_id=self.channel.id)

    def _record(self, claimed: dict[UUID, Claimed], outcomes: list[Outcome]) -> None:
        until = time.monotonic() + RECORD_SECONDS
        while True:
            try:
                record_outcomes(channel_id=self.channel.id, claimed=claimed, outcomes=outcomes)
                return
            except (OperationalError, InterfaceError) as error:
                reconnect_or_raise(error, out_of_time=time.monotonic() > until)
                time.sleep(RETRY_PAUSE_SECONDS)

    def _tell_channel(self, outcomes: list[Outcome]) -> None:
        """A hint, which the next trial repeats: what else is on the wire is not given up for it."""
        try:
            self.channel.note_outcomes(outcomes)
        except Error as error:
            reconnect_or_raise(error)


def room_of(drain: ChannelDrain, others: Iterable[ChannelDrain]) -> int:
    """How many messages this channel may take in hand.

    All of a process's channels together have seven windows in hand, which is what is in doubt when it freezes; one that
    comes late has its even share at once, while the others still have more than theirs.
    """
    taken = [windows for other in others if (windows := other.windows_in_hand)]
    windows = max(MOST_WINDOWS_IN_HAND - sum(taken), MOST_WINDOWS_IN_HAND / (len(taken) + 1))
    room = int((windows - drain.windows_in_hand) * drain.channel.window)
    return max(room, 0 if drain.next_answer else 1)


def reconnect_or_raise(error: Exception, *, out_of_time: bool = False) -> None:
    """Drop a broken connection: the next statement makes another.  A transaction of the caller's can't be gone on with."""
    if connection.in_atomic_block or out_of_time:
        raise error
    log.warning("the database is away", extra={"why": str(error).partition("\n")[0]})
    connection.close()


def _wait_for(outcomes: Iterable[Outcome], since: float) -> Answered:
    return Answered(list(outcomes), time.monotonic() - since)
