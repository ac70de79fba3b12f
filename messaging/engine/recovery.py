"""After a restore the database is older than the world: what it holds as waiting may have left since.

Nothing that may have left is sent again.  It becomes unknown, as after any lost answer: its receipt ends it, or its validity, and
then its price goes back.
"""

from datetime import datetime

from kit import tenancy
from kit.sql import rows, run

from .dispatch import give_up_expired_leases

BATCH = 1_000

_END_LEASES = "UPDATE engine_claim SET lease_until = now() - interval '1 second' WHERE lease_until >= now()"

# There is no attempt to tell of: the one that may have been made is lost with what was lost.
_GIVE_UP_QUEUED = """
WITH q AS (
    DELETE FROM engine_queueentry WHERE message_id = ANY(ARRAY(
        SELECT message_id FROM engine_queueentry WHERE due_at <= %s ORDER BY message_id LIMIT %s FOR UPDATE SKIP LOCKED
    )) RETURNING message_id
)
UPDATE engine_message m SET status = 45 FROM q WHERE m.id = q.message_id AND m.status = 20 RETURNING m.id
"""


def give_up_what_was_in_hand() -> int:
    """End every worker's claim: there is none of them any more.  How many messages are unknown by it."""
    with tenancy.as_engine():
        run(_END_LEASES)
    total = 0
    while given_up := len(give_up_expired_leases()):
        total += given_up
    return total


def give_up_what_may_have_left(*, sent_until: datetime) -> int:
    """Take out of the queue what was due until then, as unknown; how many.  What is due later, or held, stays."""
    total = 0
    while True:
        with tenancy.as_engine():
            given_up = len(rows(_GIVE_UP_QUEUED, [sent_until, BATCH]))
            ((left,),) = rows("SELECT EXISTS (SELECT FROM engine_queueentry WHERE due_at <= %s)", [sent_until])
        total += given_up
        if not left:
            return total
