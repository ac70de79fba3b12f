"""Receipts that name a carrier reference we never got: their submit's answer was lost, but our own reference came back."""

from kit import tenancy
from kit.sql import run

# Exactly one candidate, or none: a guess would settle somebody else's message.  The attempt is over (unknown, not
# merely unanswered, and not all its parts have a name yet) so that a receipt overtaking its answer simply waits.
_ADOPT = """
WITH lost AS (
    SELECT r.channel_id, r.reference, r.user_reference, r.recipient FROM engine_deliveryreceipt r
    WHERE r.folded_at IS NULL AND r.user_reference IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM engine_carrierreference c WHERE c.channel_id = r.channel_id AND c.reference = r.reference)
    ORDER BY r.id DESC LIMIT 1000
),
found AS (
    SELECT lost.channel_id, lost.reference, min(a.message_id::text)::uuid AS message_id,
        min(a.organisation_id::text)::uuid AS organisation_id
    FROM lost JOIN engine_message m ON m.recipient = '+' || ltrim(lost.recipient, '+') AND m.status = 45
    JOIN engine_attempt a ON a.message_id = m.id AND a.channel_id = lost.channel_id
        AND a.reference = lost.user_reference AND a.outcome = 4
    WHERE (a.carrier_reference <> '')::int + (
        SELECT count(*) FROM engine_carrierreference c WHERE c.channel_id = a.channel_id AND c.message_id = a.message_id
    ) < a.parts
    GROUP BY lost.channel_id, lost.reference HAVING count(DISTINCT a.message_id) = 1
)
INSERT INTO engine_carrierreference (channel_id, reference, message_id, organisation_id)
SELECT channel_id, reference, message_id, organisation_id FROM found ON CONFLICT DO NOTHING
"""


def adopt_orphans() -> int:
    """Give unknown messages the carrier reference their receipts name; how many were found."""
    with tenancy.as_engine():
        return run(_ADOPT)
