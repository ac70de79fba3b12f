"""Draining a channel: batch after batch, the next one claimed while the last one is still on the wire."""

import time
from collections import deque
from collections.abc import Iterator
from uuid import UUID

from messaging.channels.runtime import OpenChannel, open_channel
from messaging.channels.types.base import Outcome, Outgoing

from .claim import Claimed, claim
from .outcomes import record_outcomes

#: A drain gives way to the next ring after so long, well inside its task's time limit.
TURN_SECONDS = 20
#: Batches on the wire at once: while one is answered, the next is claimed and handed over.
IN_FLIGHT = 2


def drain(*, channel_id: UUID, turn_seconds: float = TURN_SECONDS) -> int:
    """Hand over what is ripe on one channel until nothing is, or the turn is over; how many messages were handed over.

    The attempt of each message is committed before its first byte leaves, and no transaction is open while the
    carrier thinks.  Runs in a worker of the dispatch queue, which holds the bind.
    """
    channel = open_channel(channel_id)
    if channel is None or not channel.is_up:
        return 0
    until, handed_over = time.monotonic() + turn_seconds, 0
    on_the_wire: deque[tuple[dict[UUID, Claimed], Iterator[Outcome]]] = deque()
    while True:
        batch = claim(channel_id=channel_id, limit=channel.batch_size) if time.monotonic() < until else []
        if batch:
            on_the_wire.append(_hand_over(channel, batch))
            handed_over += len(batch)
        if not on_the_wire:
            return handed_over
        if not batch or len(on_the_wire) >= IN_FLIGHT:
            claimed, outcomes = on_the_wire.popleft()
            record_outcomes(channel_id=channel_id, claimed=claimed, outcomes=outcomes)


def _hand_over(channel: OpenChannel, batch: list[Claimed]) -> tuple[dict[UUID, Claimed], Iterator[Outcome]]:
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
    return {message.attempt_id: message for message in batch}, channel.send(outgoing)
