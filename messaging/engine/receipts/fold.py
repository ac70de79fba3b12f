import time

from kit import tenancy
from kit.sql import records

from .meaning import Folded, apply
from .orphans import adopt_orphans

BATCH = 1000
TURN_SECONDS = 20

# Only receipts whose message is known are taken; one that came before its submit's answer waits in the inbox.
_TAKE = """
WITH known AS (
    SELECT r.id, coalesce(a.message_id, c.message_id) AS message_id,
        coalesce(a.organisation_id, c.organisation_id) AS organisation_id, coalesce(a.parts, 2) AS parts
    FROM engine_deliveryreceipt r
    LEFT JOIN LATERAL (
        SELECT a.message_id, a.organisation_id, a.parts FROM engine_attempt a
        WHERE a.channel_id = r.channel_id AND a.carrier_reference = r.reference AND a.carrier_reference <> ''
        ORDER BY a.started_at DESC LIMIT 1
    ) a ON true
    LEFT JOIN engine_carrierreference c ON c.channel_id = r.channel_id AND c.reference = r.reference
    WHERE r.folded_at IS NULL AND (a.message_id IS NOT NULL OR c.message_id IS NOT NULL)
    ORDER BY r.id LIMIT %s FOR UPDATE OF r SKIP LOCKED
)
UPDATE engine_deliveryreceipt r SET folded_at = now(), message_id = known.message_id, organisation_id = known.organisation_id
FROM known WHERE r.id = known.id
RETURNING r.message_id, r.state, r.error_code, known.parts
"""


def fold(*, limit: int = BATCH) -> int:
    """Apply up to `limit` receipts that wait in the inbox in one transaction, with the settling they bring; how many."""
    with tenancy.as_engine():
        receipts = records(Folded, _TAKE, [limit])
        apply(receipts)
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
