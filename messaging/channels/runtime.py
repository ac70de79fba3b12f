"""The channels this worker process holds open.  Binds live here: one a process and channel, kept up in the background."""

import json
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import close_old_connections, connection
from django.db.models import F
from django.utils import timezone

from kit import pulse, tenancy
from kit.sealing import unseal

from . import breakers, leaving
from .models import Bind
from .models import Channel as ChannelRow
from .pace import Pace
from .types.base import Channel, ConfigInvalid, Outcome, Outgoing, RawDeliver, channel_type
from .vitals import Vitals, handed_over, was_asked

log = logging.getLogger(__name__)

KEEP_SECONDS = 3
#: Trouble that begins or ends is told at once.
LOOK_SECONDS = 1
MOST_IN_A_BATCH = 1_000
#: Batches a drain has with a line at once, and the windows they fill together at most.
BATCHES_AT_ONCE, MOST_WINDOWS_IN_HAND = 2, 7
QUICK_BATCH_SECONDS = 0.25
SLOW_BATCH_SECONDS = 0.75
#: A bind nobody has spoken of for so long belongs to a worker that is gone.
SILENT_SECONDS = 15
DEFAULT_SOURCE = "10690000"

WORKER = f"{socket.gethostname()}:{os.getpid()}"


class OpenChannel:
    """A channel row brought to life in this process."""

    def __init__(self, row: ChannelRow, line: Channel) -> None:
        self.id, self.line, self.version = row.pk, line, version_of(row)
        self.organisation_id = row.organisation_id
        self.window = row.window
        self.source_address = row.config.get("source_address") or DEFAULT_SOURCE
        self.batch_size = _first_batch(row)
        self._most = _most_in_a_batch(row)
        self.vitals, self.trouble, self.pace = Vitals(), "", Pace(now=time.monotonic())
        self.is_avoided = False
        self._trial: datetime | None = None

    @property
    def is_up(self) -> bool:
        return self.line.state().bind == "bound"

    def look(self) -> str:
        """What is wrong with the carrier now; empty when nothing is."""
        return self.vitals.trouble(self.line.state(), now=time.monotonic())

    def take_room(self) -> int:
        """How many messages may be claimed for it now: a batch, or of a channel that is left alone one now and then."""
        if not self.is_avoided:
            return self.batch_size
        trial = breakers.take_trial(self.id)
        self._trial = trial or self._trial  # the one on its way is still ours
        return int(trial is not None)

    def give_room_back(self) -> None:
        """The carrier was not asked: there was nothing to claim, or nothing it could be told."""
        if self.is_avoided and self._trial:
            breakers.give_trial_back(self.id, self._trial)

    def note_outcomes(self, outcomes: Sequence[Outcome]) -> None:
        """The carrier is well: it is used as ever.  While it is left alone and is not, it rests longer."""
        self.pace.note(handed_over(outcomes))
        is_well = self.vitals.heard(outcomes, now=time.monotonic())
        if not self.is_avoided:
            return
        if is_well:
            breakers.close_breaker(self.id)
            self.is_avoided = False
        elif was_asked(outcomes):
            breakers.rest_longer(self.id, f"takes nothing: {self.vitals.last_words}")
        else:
            self.give_room_back()

    def note_batch(self, size: int, seconds: float) -> None:
        """A whole batch of `size` was answered after `seconds`: the next ones are larger or smaller by it.

        Large batches cost less a message; but what is in hand goes before a code that arrives now.
        """
        if seconds > SLOW_BATCH_SECONDS:
            self.batch_size = max(1, min(self.batch_size, size) // 2)
        elif seconds < QUICK_BATCH_SECONDS and size >= self.batch_size:
            self.batch_size = min(self._most, size * 2)

    def send(self, batch: Sequence[Outgoing]) -> Iterator[Outcome]:
        pulse.note_hand_over()
        return self.line.send(batch)


def _most_in_a_batch(row: ChannelRow) -> int:
    """No batch takes longer than half a second of the line's rate, and those in hand are few times its window: what is in hand
    when a worker is killed is in doubt."""
    half_a_second = int(row.rate_per_second / 2) if row.rate_per_second else MOST_IN_A_BATCH
    return max(1, min(half_a_second, row.window * MOST_WINDOWS_IN_HAND // BATCHES_AT_ONCE, MOST_IN_A_BATCH))


def _first_batch(row: ChannelRow) -> int:
    """The batches a drain has with the line share its window, until the carrier has shown how quick it is."""
    return max(1, min(row.window // BATCHES_AT_ONCE, _most_in_a_batch(row)))


_open: dict[UUID, OpenChannel] = {}
_lock = threading.RLock()


def open_channel(channel_id: UUID) -> OpenChannel | None:
    """The channel as this process has it, opened when it isn't; None when it is paused, gone or can't be opened."""
    with _lock:
        row = _row(channel_id)
        held = _open.get(channel_id)
        if held and (row is None or version_of(row) != held.version):
            close_channel(channel_id)
            held = None
        if held is None and row is not None:
            held = _open_row(row)
        if held and row:
            held.is_avoided = row.avoided_since is not None
        return held


def idle_channels() -> list[UUID]:
    """The channels this process could send on right now; none while any of its lines waits for its carrier.

    One that is left alone rightly waits.
    """
    avoided = {id for id, held in list(_open.items()) if held.is_avoided}
    standing = {id: held.line.state() for id, held in list(_open.items())}
    if any(state.in_flight or state.waiting for state in standing.values()):
        return []
    return [id for id, state in standing.items() if state.bind == "bound" and id not in avoided]


def open_channels() -> list[OpenChannel]:
    """What this process holds open now."""
    return list(_open.values())


def close_channel(channel_id: UUID) -> None:
    with _lock:
        held = _open.pop(channel_id, None)
        if held:
            held.line.close()


def close_all() -> None:
    """Finish what is in flight and say goodbye to every carrier."""
    for channel_id in list(_open):
        close_channel(channel_id)


def version_of(row: ChannelRow) -> tuple:
    """Changes when the line has to be opened anew."""
    return json.dumps(row.config, sort_keys=True), row.sealed_secrets, row.window, row.rate_per_second, row.type


def line_settings(row: ChannelRow) -> dict[str, Any]:
    """What the channel's type is made from: its settings and secrets together."""
    secrets = json.loads(unseal(row.sealed_secrets)) if row.sealed_secrets else {}
    own = {key: value for key, value in row.config.items() if key != "source_address"}
    limits = {"window": row.window, "rate_per_second": row.rate_per_second}
    return {**own, **secrets, **limits}


def _row(channel_id: UUID) -> ChannelRow | None:
    with tenancy.as_engine():
        found = ChannelRow.objects.filter(pk=channel_id, is_active=True)
        return found.annotate(avoided_since=F("breaker__opened_at")).first()


def _open_row(row: ChannelRow) -> OpenChannel | None:
    try:
        kind = channel_type(row.type)
        line = kind(
            line_settings(row),
            on_inbound=lambda news: _store(row.pk, line, news),
            on_leaving=leaving.announce,
            on_answers=leaving.tell_answers,
        )
    except (KeyError, ConfigInvalid, ValueError) as error:
        log.error("a channel can't be opened", extra={"channel": row.name, "why": str(error)})
        return None
    held = _open[row.pk] = OpenChannel(row, line)
    line.open()
    return held


def _store(channel_id: UUID, line: Channel, news: list[RawDeliver]) -> None:
    """The line's news, on disk when this returns.  Runs in a thread of the line's."""
    from messaging.channels.inbox import store

    if not connection.in_atomic_block:  # a line in our own thread (the simulator) may speak inside a transaction
        close_old_connections()
    store(channel_id=channel_id, channel=line, news=news)


class Keeper(threading.Thread):
    """Opens every active channel and keeps telling how its bind stands, until it is asked to stop.

    A carrier that gets into trouble, or out of it, is told of at once.
    """

    def __init__(self) -> None:
        super().__init__(name="channel-keeper", daemon=True)
        self._stopped = threading.Event()

    def run(self) -> None:
        kept_at = -float(KEEP_SECONDS)
        while True:
            try:
                if time.monotonic() - kept_at >= KEEP_SECONDS or is_there_news():
                    kept_at = time.monotonic()
                    close_old_connections()
                    keep_channels()
            except Exception:
                log.exception("the channels could not be looked after; trying again")
            if self._stopped.wait(LOOK_SECONDS):
                break
        connection.close()

    def stop(self) -> None:
        self._stopped.set()


def is_there_news() -> bool:
    """Whether a carrier got into trouble, or out of it, since that was last told."""
    return any(bool(channel.look()) != bool(channel.trouble) for channel in open_channels())


def keep_channels(*, now: datetime | None = None) -> None:
    """Open what should be open, close what should not, say how each bind stands, and leave carriers in trouble alone."""
    now = now or timezone.now()
    with tenancy.as_engine():
        active = set(ChannelRow.objects.filter(is_active=True).values_list("pk", flat=True))
    for gone in set(_open) - active:
        close_channel(gone)
    held = [channel for id in active if (channel := open_channel(id))]
    with tenancy.as_engine():
        Bind.objects.bulk_create(
            [_bind(channel, now) for channel in held],
            update_conflicts=True,
            unique_fields=["channel", "worker"],
            update_fields=[
                "state", "since", "last_error", "in_flight", "binds_up", "binds", "trouble", "sent_at", "updated_at",
                "handed_over_in_a_minute", "handed_over_in_five_minutes",
            ],
        )  # fmt: skip
        Bind.objects.filter(updated_at__lt=now - timedelta(seconds=SILENT_SECONDS * 4)).delete()
    for channel in held:
        if channel.trouble:
            _leave_alone(channel)


def _leave_alone(channel: OpenChannel) -> None:
    if breakers.open_breaker(channel.id, channel.trouble, worker=WORKER, is_bound=channel.is_up):
        channel.is_avoided = True
        channel.vitals.forget()  # what it answers to the next trial counts, not what led here


def _bind(channel: OpenChannel, now: datetime) -> Bind:
    state, channel.trouble = channel.line.state(), channel.look()
    in_a_minute, in_five_minutes = channel.pace.look(now=time.monotonic())
    return Bind(
        organisation_id=channel.organisation_id,
        channel_id=channel.id,
        worker=WORKER,
        state=state.bind,
        since=state.since,
        last_error=state.last_error[:300],
        in_flight=state.in_flight,
        binds_up=state.binds_up,
        binds=state.binds,
        trouble=channel.trouble[:300],
        sent_at=channel.vitals.sent_at,
        handed_over_in_a_minute=in_a_minute,
        handed_over_in_five_minutes=in_five_minutes,
        updated_at=now,
    )
