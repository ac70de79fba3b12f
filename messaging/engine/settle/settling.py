from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from kit.events import emit
from kit.sql import array, records, text_array
from messaging.engine.events import messages_settled
from messaging.engine.models import Message
from messaging.engine.states import Status

from .money import move_money


class Change(NamedTuple):
    """One message's way to a final state, and why in the carrier's or our words."""

    message_id: UUID
    status: Status
    error_code: str = ""


class SettledGroup(NamedTuple):
    """Messages of one organisation that settle alike: same quote, same purse, same final state."""

    organisation_id: UUID
    quote_id: UUID | None
    allowance_id: UUID | None
    campaign_id: UUID | None
    status: int
    currency: str
    messages: int
    segments: int
    price: int


# The guard `status < 90` makes a message settle once, whoever comes first; the traffic deltas and the end of its
# place in the queue are part of the same statement.  The guard is in a CASE to keep it from the planner: after a quiet
# hour's ANALYZE it would expect no such message at all, and compare each of a batch with each change.  For the same reason
# the queue is asked for ids and not joined: it was empty when it was last looked at.
_SETTLE = """
WITH u AS (SELECT * FROM unnest(%(ids)s::uuid[], %(statuses)s::smallint[], %(codes)s::text[]) u(id, status, code)),
m AS (
    UPDATE engine_message m SET status = u.status, error_code = u.code, final_at = now()
    FROM u WHERE m.id = u.id AND m.id = ANY(%(ids)s::uuid[]) AND CASE WHEN m.status < 90 THEN true END
    RETURNING m.*, old.status AS was
),
gone AS (DELETE FROM engine_queueentry WHERE message_id = ANY(ARRAY(SELECT id FROM m WHERE was < 30))),
counted AS (
    INSERT INTO engine_trafficcount (organisation_id, hour, campaign_id, channel_id, country, category, currency, status,
        error_code, messages, segments, amount, latency_ms, is_squashed)
    SELECT organisation_id, date_trunc('hour', now()), campaign_id, channel_id, country, category, currency, status,
        error_code, count(*), sum(segments), sum(price),
        sum(extract(epoch FROM now() - uuid_extract_timestamp(id)) * 1000)::bigint, false
    FROM m WHERE NOT is_test
    GROUP BY organisation_id, campaign_id, channel_id, country, category, currency, status, error_code
)
SELECT organisation_id, quote_id, allowance_id, campaign_id, status, currency, count(*), sum(segments)::bigint, sum(price)::bigint
FROM m GROUP BY organisation_id, quote_id, allowance_id, campaign_id, status, currency
"""


def settle(changes: Iterable[Change]) -> int:
    """Move messages to their final states, and their money with them; how many there were.

    A message that is final already keeps its state and its money.  Delivered: what was held is paid out along the
    quote.  Anything else: what was taken goes back to where it came from.  Runs under the engine, as a part of the
    caller's transaction, which must not go on when this raises.
    """
    by_message = _one_each(changes)
    if not by_message:
        return 0
    groups = records(
        SettledGroup,
        _SETTLE,
        {
            "ids": array([change.message_id for change in by_message]),
            "statuses": array([int(change.status) for change in by_message]),
            "codes": text_array([change.error_code[:40] for change in by_message]),
        },
    )
    if not groups:
        return 0
    settlements = move_money(groups)
    emit(
        messages_settled,
        sender=Message,
        message_ids=[change.message_id for change in by_message],
        organisation_ids={group.organisation_id for group in groups},
        campaign_ids={group.campaign_id for group in groups if group.campaign_id},
        settlement_ids=settlements,
    )
    return sum(group.messages for group in groups)


def _one_each(changes: Iterable[Change]) -> list[Change]:
    """At most one change a message: of contradicting news in one batch the delivered wins, in whatever order it came."""
    chosen: dict[UUID, Change] = {}
    for change in changes:
        before = chosen.get(change.message_id)
        if before is None or change.status < before.status:
            chosen[change.message_id] = change
    return list(chosen.values())
