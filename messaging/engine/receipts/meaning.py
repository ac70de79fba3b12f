"""What receipts make of messages."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from kit.sql import rows
from messaging.engine.journal import note_receipts
from messaging.engine.settle import Change, settle
from messaging.engine.states import Status

#: What a carrier's final word makes of a message.  Other words ("accepted", "en route") change nothing.
FINAL_WORDS = {"delivered": Status.DELIVERED, "undelivered": Status.UNDELIVERED, "expired": Status.UNDELIVERED}


class Folded(NamedTuple):
    """A receipt of a message we know.  `parts`: how many submits the message took, 2 when that has to be looked up."""

    message_id: UUID
    state: str
    error_code: str
    parts: int


# One transaction at a time looks at a long message: two that each bring a part would not see each other's.
_LOCK = "SELECT id FROM engine_message WHERE id = ANY(%s::uuid[]) AND status < 90 ORDER BY id FOR NO KEY UPDATE"

# A part that was reported both delivered and failed was delivered.
_PARTS = """
WITH part AS (
    SELECT message_id, reference, bool_or(state = 'delivered') AS is_delivered,
        max(coalesce(nullif(error_code, ''), state)) FILTER (WHERE state <> 'delivered') AS why
    FROM engine_deliveryreceipt WHERE message_id = ANY(%(ids)s::uuid[]) AND state = ANY(%(final)s)
    GROUP BY message_id, reference
)
SELECT a.message_id, count(*) FILTER (WHERE part.is_delivered) >= a.parts, max(part.why) FILTER (WHERE NOT part.is_delivered)
FROM (SELECT DISTINCT ON (message_id) message_id, parts FROM engine_attempt WHERE message_id = ANY(%(ids)s::uuid[])
    ORDER BY message_id, number DESC) a
JOIN part ON part.message_id = a.message_id
GROUP BY a.message_id, a.parts HAVING count(*) >= a.parts
"""


def apply(receipts: Iterable[Folded]) -> None:
    """Settle what these receipts end, in the caller's transaction.  A long message ends with the last of its parts."""
    receipts = list(receipts)
    note_receipts(receipts)
    final = [receipt for receipt in receipts if receipt.state in FINAL_WORDS]
    short = [_change(receipt) for receipt in final if receipt.parts < 2]
    long = {receipt.message_id for receipt in final if receipt.parts >= 2}
    settle([*short, *(_ended(long) if long else ())])


def _change(receipt: Folded) -> Change:
    status = FINAL_WORDS[receipt.state]
    return Change(receipt.message_id, status, _why(status, receipt.error_code or receipt.state))


def _ended(long: set[UUID]) -> list[Change]:
    """The changes of those messages all of whose parts have a final word."""
    ids = [id for (id,) in rows(_LOCK, [list(long)])]
    found = rows(_PARTS, {"ids": ids, "final": list(FINAL_WORDS)}) if ids else []
    return [_long_change(*one) for one in found]


def _long_change(message_id: UUID, is_delivered: bool, why: str | None) -> Change:
    status = Status.DELIVERED if is_delivered else Status.UNDELIVERED
    return Change(message_id, status, _why(status, why or ""))


def _why(status: Status, code: str) -> str:
    return "" if status == Status.DELIVERED else code
