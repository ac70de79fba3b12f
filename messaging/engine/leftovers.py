"""What belonged to messages that are gone: deleted in small batches, oldest first."""

import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings

from kit import tenancy
from kit.ids import first_id_at, made_at
from kit.sql import run

from .partitions import first_id_kept

BATCH = 2_000
TURN_SECONDS = 40

#: Table to the statement that deletes its next `batch` rows, in the order of an index that begins with the oldest.
LEFTOVERS = {
    "engine_attempt": """
        DELETE FROM engine_attempt WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM engine_attempt WHERE message_id < %(first_message)s ORDER BY message_id
            LIMIT %(batch)s FOR UPDATE SKIP LOCKED))""",
    "engine_queueentry": """
        DELETE FROM engine_queueentry WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM engine_queueentry WHERE message_id < %(first_message)s ORDER BY message_id
            LIMIT %(batch)s FOR UPDATE SKIP LOCKED))""",
    # The order of receipts is the order they came in: the first so many are looked at, and the old ones of them go.
    "engine_deliveryreceipt": """
        WITH oldest AS (SELECT id, received_at FROM engine_deliveryreceipt ORDER BY id LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
        DELETE FROM engine_deliveryreceipt r USING oldest WHERE r.id = oldest.id AND oldest.received_at < %(first_moment)s""",
    "engine_inboundmessage": """
        DELETE FROM engine_inboundmessage WHERE id = ANY(ARRAY(
            SELECT id FROM engine_inboundmessage WHERE id < %(first_message)s ORDER BY id
            LIMIT %(batch)s FOR UPDATE SKIP LOCKED))""",
    "engine_idempotencyrecord": """
        DELETE FROM engine_idempotencyrecord WHERE id = ANY(ARRAY(
            SELECT id FROM engine_idempotencyrecord WHERE id < %(first_answer)s ORDER BY id
            LIMIT %(batch)s FOR UPDATE SKIP LOCKED))""",
}


def delete_leftovers(*, today: date | None = None, turn_seconds: float = TURN_SECONDS) -> dict[str, int]:
    """Delete what belongs to messages past retention, and answers no `Idempotency-Key` can ask for any more.

    How many rows of each table went.  What a turn leaves, the next one takes.
    """
    until = time.monotonic() + turn_seconds
    bounds = _bounds(first_id_kept(today=today), today)
    return {table: _delete(statement, bounds, until) for table, statement in LEFTOVERS.items()}


def _bounds(first_message: UUID, today: date | None) -> Mapping[str, Any]:
    now = datetime.combine(today, datetime.min.time(), tzinfo=UTC) if today else datetime.now(UTC)
    return {
        "first_message": first_message,
        "first_moment": made_at(first_message),
        "first_answer": first_id_at(now - timedelta(days=settings.IDEMPOTENCY_DAYS)),
        "batch": BATCH,
    }


def _delete(statement: str, bounds: Mapping[str, Any], until: float) -> int:
    total = 0
    while time.monotonic() < until:
        with tenancy.as_engine():
            gone = run(statement, bounds)
        total += gone
        if gone < BATCH:
            break
    return total
