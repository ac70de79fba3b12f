"""Draining channels: what is ripe on one, and on those that turn out to wait beside it, for a turn of some seconds."""

import logging
import time
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, wait
from functools import partial
from math import inf
from uuid import UUID

from django.db import InterfaceError, OperationalError

from messaging.channels.runtime import open_channel

from .channel_drain import MOST_CHANNELS, Attendance, ChannelDrain, reconnect_or_raise, room_of
from .wire import forget_what_left

log = logging.getLogger(__name__)

#: A drain leaves what there still is to the next ring after so long, well inside its task's time limit.
TURN_SECONDS = 20
#: A carrier that does not answer its last batch keeps the others going for so long at most, until it does or its line gives up.
OVERTIME_SECONDS = 40
#: Whether other channels of this process wait, which it then drains as well, is asked so often.
LOOK_AROUND_SECONDS = 0.2


def nothing(channel_id: UUID) -> None:
    """Nobody listens."""


def nobody_else(channel_ids: Collection[UUID]) -> Collection[UUID]:
    """No other channel waits for this process."""
    return ()


def nobody(channel_ids: Collection[UUID]) -> None:
    """Nobody comes back."""


def drain(
    *,
    channel_id: UUID,
    turn_seconds: float = TURN_SECONDS,
    attend: Callable[[UUID], None] = nothing,
    leave: Callable[[UUID], None] = nothing,
    who_waits: Callable[[Collection[UUID]], Collection[UUID]] = nobody_else,
    come_back: Callable[[Collection[UUID]], None] = nobody,
) -> dict[UUID, int]:
    """Hand over what is ripe on one channel until nothing is, or the turn is over; how many messages were, by channel.

    Other channels are drained beside it when they wait, so that none is held up by a slow carrier: `who_waits` is asked
    now and then, with the channels that are at work, for those that should be.

    `attend` is called at least each second for a channel at work, `leave` before the last look for its ripe messages, so
    that whoever has some need not ring in between, and `come_back` at the end for those that may have more.  Runs in a
    worker of the dispatch queue, which holds the binds.

    A channel that fails claims no more, the others go on; its error is raised at the end.
    """
    turn = Turn(attend, leave, who_waits, until=time.monotonic() + turn_seconds)
    if not turn.take_up(channel_id):
        leave(channel_id)
    while turn.drains:
        turn.step()
        turn.look_around()
        turn.wait()
    come_back(turn.unfinished)
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
        self._failed: set[UUID] = set()
        self._cut_short: set[UUID] = set()

    def may_claim(self, drain: ChannelDrain | None = None) -> bool:
        """Whether this one goes on (none: whether others are taken up): until the turn is over, and for as long as another's
        carrier still owes what it was handed in the turn."""
        now = time.monotonic()
        is_another_late = any(one.waits_since < self._until for one in self.drains.values() if one is not drain)
        return now < self._until or (is_another_late and now < self._until + OVERTIME_SECONDS)

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
                if one.failure:
                    self.failures.append(one.failure)
                    self._failed.add(channel_id)

    def _room(self, one: ChannelDrain) -> int:
        if not self.may_claim(one):
            self._cut_short.add(one.channel.id)
            return 0
        return room_of(one, [other for other in self.drains.values() if other is not one])

    @property
    def unfinished(self) -> set[UUID]:
        """Those that may have more: they handed something over, or the turn was over before they could."""
        return {id for id, count in self.handed_over.items() if count or id in self._cut_short} - self._failed

    def look_around(self) -> None:
        """Take up what waits; nothing while the database is away: what is on the wire is seen to first.

        After any other trouble nobody else is taken up.
        """
        if time.monotonic() < self._looks_around_at:
            return
        self._looks_around_at = time.monotonic() + LOOK_AROUND_SECONDS
        try:
            waiting = self._who_waits({*self.drains, *self._failed}) if self.may_claim() else ()
            for channel_id in list(waiting)[: MOST_CHANNELS - len(self.drains)]:
                self.take_up(channel_id)
        except (OperationalError, InterfaceError) as error:
            reconnect_or_raise(error)
        except Exception as error:
            log.exception("channels that wait could not be taken up")
            self.failures.append(error)
            self._looks_around_at = inf

    def wait(self) -> None:
        """Until a carrier has answered a batch, or it is time for a look."""
        looks_at = [one.looks_at for one in self.drains.values()]
        seconds = min([self._looks_around_at, time.monotonic() + LOOK_AROUND_SECONDS, *looks_at]) - time.monotonic()
        answers = [one.next_answer for one in self.drains.values() if one.next_answer]
        if seconds > 0 and answers:
            wait(answers, seconds, FIRST_COMPLETED)
        elif seconds > 0:
            time.sleep(seconds)
