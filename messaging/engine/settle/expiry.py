from kit import tenancy
from kit.sql import rows
from messaging.engine.states import Status

from .settling import Change, settle

BATCH = 1000

# Validity ends what waits for a receipt that never came, and what could not be handed over in time.  What is under a claim
# is left to its drain: it is in nobody's queue, and it has no outcome yet.
_OVERDUE = """
SELECT id FROM engine_message m
WHERE status IN (10, 20, 40, 45) AND validity_until < now() AND id >= first_message_id((now() - interval '14 days')::date)
    AND (status <> 20 OR EXISTS (SELECT FROM engine_queueentry q WHERE q.message_id = m.id FOR UPDATE SKIP LOCKED))
LIMIT %s FOR UPDATE OF m SKIP LOCKED
"""


def expire_overdue() -> int:
    """End messages whose validity has run out, giving back what they had taken; how many."""
    ended = 0
    while True:
        with tenancy.as_engine():
            overdue = [id for (id,) in rows(_OVERDUE, [BATCH])]
            ended += settle(Change(id, Status.EXPIRED, "no_receipt_in_time") for id in overdue)
        if len(overdue) < BATCH:
            return ended
