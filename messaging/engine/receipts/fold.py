import time
from typing import NamedTuple
from uuid import UUID

from kit import tenancy
from kit.sql import records
from messaging.engine.settle import Change, settle
from messaging.engine.states import Status

from .orphans import adopt_orphans

BATCH = 1000
TURN_SECONDS = 20

#: What a carrier's final word makes of a message.  Other words ("accepted", "en route") change nothing.
FINAL_WORDS = {"delivered": Status.DELIVERED, "undelivered": Status.UNDELIVERED, "expired": Status.UNDELIVERED}


class FoldedReceipt(NamedTuple):
    message_id: UUID
    state: str
    error_code: str


# Only receipts whose message is known are taken; one that came before its submit's answer waits in the inbox.
_TAKE = """
WITH known AS (
    SELECT r.id, c.message_id, c.organisation_id FROM engine_deliveryreceipt r
    JOIN engine_carrierreference c ON c.channel_id = r.channel_id AND c.reference = r.reference
    WHERE r.folded_at IS NULL ORDER BY r.id LIMIT %s FOR UPDATE OF r SKIP LOCKED
)
UPDATE engine_deliveryreceipt r SET folded_at = now(), message_id = known.message_id, organisation_id = known.organisation_id
FROM known WHERE r.id = known.id
RETURNING r.message_id, r.state, r.error_code
"""


def fold(*, limit: int = BATCH) -> int:
    """Apply up to `limit` receipts in one transaction, with the settling they bring; how many."""
    with tenancy.as_engine():
        receipts = records(FoldedReceipt, _TAKE, [limit])
        settle(
            Change(receipt.message_id, FINAL_WORDS[receipt.state], _reason(receipt))
            for receipt in receipts
            if receipt.state in FINAL_WORDS
        )
        return len(receipts)


def fold_all(*, turn_seconds: float = TURN_SECONDS) -> int:
    """Fold until the inbox holds nothing that can be folded, or the turn is over; how many receipts."""
    until, folded = time.monotonic() + turn_seconds, 0
    while time.monotonic() < until:
        now_folded = fold()
        folded += now_folded
        if now_folded < BATCH and not adopt_orphans():
            break
    return folded


def _reason(receipt: FoldedReceipt) -> str:
    return "" if receipt.state == "delivered" else receipt.error_code or receipt.state
