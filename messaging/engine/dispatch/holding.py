"""Holding a campaign's places in the queue, letting them go, and clearing them.

Rows another transaction is just writing are passed over, because waiting for several of them in another order than a
drain's could end in a deadlock; whoever calls comes back for them.  A message under a claim is on its way and not in
the queue; if the carrier says "not now" it comes back as held while its campaign is paused.
"""

from functools import partial
from uuid import UUID

from django.db import transaction

from kit.sql import rows
from messaging.engine.bell import ring
from messaging.engine.settle import Change, settle
from messaging.engine.states import Status

#: The due time of what is held: never, as far as a timestamp that every client can read goes.
NEVER = "9999-12-31 00:00:00+00"
BATCH = 1_000

_HOLD = """
UPDATE engine_queueentry SET due_at = %(never)s WHERE message_id = ANY(ARRAY(
    SELECT message_id FROM engine_queueentry WHERE campaign_id = %(campaign)s AND due_at < %(never)s
    ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)) RETURNING message_id
"""
_LET_GO = """
UPDATE engine_queueentry SET due_at = now() WHERE message_id = ANY(ARRAY(
    SELECT message_id FROM engine_queueentry WHERE campaign_id = %(campaign)s AND due_at = %(never)s
    ORDER BY message_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)) RETURNING channel_id
"""
_WAITING = """
SELECT message_id FROM engine_queueentry WHERE campaign_id = %(campaign)s
ORDER BY message_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""


def hold_campaign(campaign_id: UUID, *, limit: int = BATCH) -> int:
    """Let up to `limit` of the campaign's messages wait until they are let go; how many were not held before.

    Those that would leave next come first.  Runs in the organisation's scope or under the engine.
    """
    return len(rows(_HOLD, {"campaign": campaign_id, "never": NEVER, "limit": limit}))


def let_go_campaign(campaign_id: UUID, *, limit: int = BATCH) -> int:
    """Make up to `limit` held messages ripe and ring for their channels; how many there were."""
    from messaging.engine.tasks import drain_channel

    channels = [channel for (channel,) in rows(_LET_GO, {"campaign": campaign_id, "never": NEVER, "limit": limit})]
    for channel in set(channels):
        transaction.on_commit(partial(ring, drain_channel, channel), robust=True)
    return len(channels)


def cancel_campaign_queue(campaign_id: UUID, *, limit: int = BATCH) -> int:
    """End up to `limit` messages that nobody is handing over as cancelled, their price given back; how many there were.

    Runs under the engine.
    """
    waiting = [id for (id,) in rows(_WAITING, {"campaign": campaign_id, "limit": limit})]
    return settle(Change(id, Status.CANCELLED, "cancelled") for id in waiting)
