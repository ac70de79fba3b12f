"""Draining a channel: batch after batch, the next one claimed while the last one is still on the wire."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple
from uuid import UUID

from django.db import Error, InterfaceError, OperationalError, connection

from messaging.channels.runtime import BATCHES_AT_ONCE, OpenChannel, open_channel
from messaging.channels.types.base import Outcome, Outgoing
from messaging.engine.journal import note_claimed, note_outcomes

from .claim import Claimed, claim
from .outcomes import record_outcomes
from .wire import forget_what_left, note_returned, worker_name

log = logging.getLogger(__name__)

#: A drain gives way to the next ring after so long, well inside its task's time limit.
TURN_SECONDS = 20
#: Batches on the wire at once: while one is answered, the next is claimed and handed over.
IN_FLIGHT = BATCHES_AT_ONCE
#: A database that restarts is waited for so long: what the carrier answered, nobody else can tell.
RECORD_SECONDS = 30
RETRY_PAUSE_SECONDS = 0.5
ATTEND_SECONDS = 1.0
#: Whether another channel of this process waits, to which this one then gives way, is asked so often.
GIVE_WAY_SECONDS = 1.0
#: Where something just left, more may come: a look costs less than being rung for it.
LINGER_SECONDS, LOOK_SECONDS = 0.03, 0.015
#: Fewer messages than this are answered before many more can have come.
FEW = 50


def nothing() -> None:
    """Nobody listens."""


def nobody_else(channel: OpenChannel) -> bool:
    """No other channel waits for this process."""
    return False


class OnTheWire(NamedTuple):
    """A claimed batch that was handed over at `since`, by the monotonic clock."""

    claimed: dict[UUID, Claimed]
    outcomes: Iterator[Outcome]
    since: float


def drain(
    *,
    channel_id: UUID,
    turn_seconds: float = TURN_SECONDS,
    attend: Callable[[], None] = nothing,
    leave: Callable[[], None] = nothing,
    do_others_wait: Callable[[OpenChannel], bool] = nobody_else,
) -> int:
    """Hand over what is ripe on one channel until nothing is, or the turn is over; how many messages were handed over.

    The turn is over early when another channel waits, which is asked now and then: a slow carrier takes long over little.

    The claim of each message is committed before its first byte leaves, and no transaction is open while the
    carrier thinks.  `attend` is called at least each second while at work, `leave` before the last look for ripe
    messages, so that whoever has some need not ring in between.  Runs in a worker of the dispatch queue, which holds
    the bind.
    """
    channel = open_channel(channel_id)
    if channel is None or not channel.is_up:
        leave()
        return 0
    since, lingers_until, handed_over = time.monotonic(), 0.0, 0
    until, asks_at = since + turn_seconds, since + GIVE_WAY_SECONDS
    attendance = Attendance(attend, leave)
    on_the_wire: deque[OnTheWire] = deque()
    while True:
        attendance.note()
        batch = _claim(channel) if time.monotonic() < until else []
        if batch:
            on_the_wire.append(_hand_over(channel, batch))
            handed_over += len(batch)
            if time.monotonic() >= asks_at:
                asks_at = time.monotonic() + GIVE_WAY_SECONDS
                until = 0.0 if _gives_way(channel, do_others_wait) else until
        elif not on_the_wire and attendance.has_left:
            forget_what_left()
            return handed_over
        elif not on_the_wire and time.monotonic() < lingers_until:
            time.sleep(LOOK_SECONDS)
        elif not on_the_wire:
            attendance.end()
        if on_the_wire and (_is_all(batch, channel) or len(on_the_wire) >= IN_FLIGHT):
            _finish(channel, on_the_wire.popleft())
            lingers_until = time.monotonic() + LINGER_SECONDS


class Attendance:
    """Tells the bell that somebody is here, now and then, and when nobody is any more."""

    def __init__(self, attend: Callable[[], None], leave: Callable[[], None]) -> None:
        self._attend, self._leave = attend, leave
        self._told_at = -ATTEND_SECONDS
        self.has_left = False

    def note(self) -> None:
        if not self.has_left and time.monotonic() - self._told_at > ATTEND_SECONDS:
            self._told_at = time.monotonic()
            self._attend()

    def end(self) -> None:
        self.has_left = True
        self._leave()


def _claim(channel: OpenChannel) -> list[Claimed]:
    """The next batch; none while the database is away, so that what is on the wire is seen to first."""
    try:
        room = channel.take_room()
        batch = claim(channel_id=channel.id, limit=room, worker=worker_name()) if room else []
        if room and not batch:
            channel.give_room_back()
        return batch
    except (OperationalError, InterfaceError) as error:
        _reconnect_or_raise(error)
        return []


def _gives_way(channel: OpenChannel, do_others_wait: Callable[[OpenChannel], bool]) -> bool:
    """Whether the turn is over for the sake of others; not while the database is away: what is on the wire is seen to first."""
    try:
        return do_others_wait(channel)
    except (OperationalError, InterfaceError) as error:
        _reconnect_or_raise(error)
        return False


def _is_all(batch: list[Claimed], channel: OpenChannel) -> bool:
    """Whether nothing else is worth a look: a few that could have been more, of one organisation.  Several share a batch
    evenly, whatever waits for each."""
    return len(batch) < min(FEW, channel.batch_size) and len({message.organisation_id for message in batch}) < 2


def _record(channel: OpenChannel, claimed: dict[UUID, Claimed], outcomes: list[Outcome]) -> None:
    until = time.monotonic() + RECORD_SECONDS
    while True:
        try:
            record_outcomes(channel_id=channel.id, claimed=claimed, outcomes=outcomes)
            return
        except (OperationalError, InterfaceError) as error:
            _reconnect_or_raise(error, out_of_time=time.monotonic() > until)
            time.sleep(RETRY_PAUSE_SECONDS)


def _reconnect_or_raise(error: Exception, *, out_of_time: bool = False) -> None:
    """Drop a broken connection: the next statement makes another.  A transaction of the caller's can't be gone on with."""
    if connection.in_atomic_block or out_of_time:
        raise error
    log.warning("the database is away", extra={"why": str(error).partition("\n")[0]})
    connection.close()


def _hand_over(channel: OpenChannel, batch: list[Claimed]) -> OnTheWire:
    outgoing = [
        Outgoing(
            attempt_id=message.attempt_id,
            sender=message.sender or channel.source_address,
            recipient=message.recipient,
            body=message.body,
            encoding="ucs2" if message.is_unicode else "gsm7",
            segments=message.segments,
            reference=message.reference,
            validity_seconds=message.seconds_valid,
        )
        for message in batch
    ]
    note_claimed(batch, channel_id=channel.id)
    return OnTheWire({message.attempt_id: message for message in batch}, channel.send(outgoing), time.monotonic())


def _finish(channel: OpenChannel, sent: OnTheWire) -> None:
    """Wait for every outcome and write them down."""
    outcomes = list(sent.outcomes)
    channel.note_batch(len(sent.claimed), time.monotonic() - sent.since)
    _record(channel, sent.claimed, outcomes)
    note_returned(outcomes)
    _tell_channel(channel, outcomes)
    note_outcomes(sent.claimed, outcomes, channel_id=channel.id)


def _tell_channel(channel: OpenChannel, outcomes: list[Outcome]) -> None:
    """A hint, which the next trial repeats: what else is on the wire is not given up for it."""
    try:
        channel.note_outcomes(outcomes)
    except Error as error:
        _reconnect_or_raise(error)
