"""Draining channels: what is ripe on one, and on those that turn out to wait beside it, for a turn of some seconds."""

import logging
import time
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, wait
from functools import partial
from uuid import UUID

from django.db import InterfaceError, OperationalError

from messaging.channels.runtime import open_channel

from .channel_drain import MOST_CHANNELS, Attendance, ChannelDrain, reconnect_or_raise, room_of
from .wire import forget_what_left

log = logging.getLogger(__name__)

#: A drain leaves what there still is to the next ring after so long, well inside its task's time limit.
TURN_SECONDS = 20
#: Whether other channels of this process wait, which it then drains as well, is asked so often.
LOOK_AROUND_SECONDS = 0.2


def nothing(channel_id: UUID) -> None:
    """Nobody listens."""


def nobody_else(channel_ids: Collection[UUID]) -> Collection[UUID]:
    """No other channel waits for this process."""
    return ()


def drain(
    *,
    channel_id: UUID,
    turn_seconds: float = TURN_SECONDS,
    attend: Callable[[UUID], None] = nothing,
    leave: Callable[[UUID], None] = nothing,
    who_waits: Callable[[Collection[UUID]], Collection[UUID]] = nobody_else,
) -> dict[UUID, int]:
    """Hand over what is ripe on one channel until nothing is, or the turn is over; how many messages were, by channel.

    Other channels are drained beside it when they wait, so that none is held up by a slow carrier: `who_waits` is asked
    now and then, with the channels that are at work, for those that should be.

    `attend` is called at least each second for a channel at work, `leave` before the last look for its ripe messages, so
    that whoever has some need not ring in between.  Runs in a worker of the dispatch queue, which holds the binds.

    A channel that fails ends the turn: what is on the wire is seen to, then its error is raised.
    """
    turn = Turn(attend, leave, who_waits, until=time.monotonic() + turn_seconds)
    if not turn.take_up(channel_id):
        leave(channel_id)
    while turn.drains:
        turn.step()
        turn.look_around()
        turn.wait()
    if turn.failures:
        raise turn.failures[0]
    forget_what_left()
    return turn.handed_over


class Turn:
    """The channels that are drained side by side, each by a drain of its own."""

    def __init__(
        self,
        attend: Callable[[UUID], None],
        leave: Callable[[UUID], None],
        who_waits: Callable[[Collection[UUID]], Collection[UUID]],
        *,
        until: float,
    ) -> None:
        self._attend, self._leave, self._who_waits, self._until = attend, leave, who_waits, until
        self._looks_around_at = time.monotonic() + LOOK_AROUND_SECONDS
        self.drains: dict[UUID, ChannelDrain] = {}
        self.handed_over: dict[UUID, int] = {}
        self.failures: list[Exception] = []

    @property
    def may_claim(self) -> bool:
        is_failing = self.failures or any(one.failure for one in self.drains.values())
        return time.monotonic() < self._until and not is_failing

    def take_up(self, channel_id: UUID) -> bool:
        """Whether the channel is at work from here on; one that is paused, gone or not bound is not."""
        channel = open_channel(channel_id)
        if channel is None or not channel.is_up:
            return False
        self.drains[channel_id] = ChannelDrain(channel, Attendance(self._attend, self._leave, channel_id))
        return True

    def step(self) -> None:
        for channel_id, one in list(self.drains.items()):
            one.step(room=partial(self._room, one))
            if one.is_over:
                del self.drains[channel_id]
                self.handed_over[channel_id] = self.handed_over.get(channel_id, 0) + one.handed_over
                self.failures += [one.failure] if one.failure else []

    def _room(self, one: ChannelDrain) -> int:
        others = [other for other in self.drains.values() if other is not one]
        return room_of(one, others) if self.may_claim else 0

    def look_around(self) -> None:
        """Take up what waits; nothing while the database is away: what is on the wire is seen to first.

        Any other trouble ends the turn, as that of a channel does.
        """
        if time.monotonic() < self._looks_around_at:
            return
        self._looks_around_at = time.monotonic() + LOOK_AROUND_SECONDS
        try:
            waiting = self._who_waits(self.drains.keys()) if self.may_claim else ()
            for channel_id in list(waiting)[: MOST_CHANNELS - len(self.drains)]:
                self.take_up(channel_id)
        except (OperationalError, InterfaceError) as error:
            reconnect_or_raise(error)
        except Exception as error:
            log.exception("channels that wait could not be taken up")
            self.failures.append(error)

    def wait(self) -> None:
        """Until a carrier has answered a batch, or it is time for a look."""
        looks_at = [one.looks_at for one in self.drains.values()]
        seconds = min([self._looks_around_at, *looks_at]) - time.monotonic()
        answers = [one.next_answer for one in self.drains.values() if one.next_answer]
        if seconds > 0 and answers:
            wait(answers, seconds, FIRST_COMPLETED)
        elif seconds > 0:
            time.sleep(seconds)
