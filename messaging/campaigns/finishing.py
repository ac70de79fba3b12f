"""Ending campaigns whose messages have all reached their final state."""

from collections.abc import Iterable
from uuid import UUID

from kit.sql import rows

# `accepted` no longer changes once the last row had its turn, and the sum of final states only grows: so the moment
# they are equal is seen by whoever looks after it, and only one of them changes the status.  Tests are no traffic, so
# theirs are counted themselves.
_FINISH = """
UPDATE campaigns_campaign c SET status = 'sent', ended_at = now()
WHERE c.status IN ('sending', 'paused') AND c.all_accepted_at IS NOT NULL
    AND (%(ids)s::uuid[] IS NULL OR c.id = ANY(%(ids)s::uuid[]))
    AND c.accepted = CASE WHEN c.is_test
        THEN (SELECT count(*) FROM engine_message m WHERE m.campaign_id = c.id AND m.status >= 90)
        ELSE (SELECT coalesce(sum(t.messages), 0) FROM engine_trafficcount t
            WHERE t.campaign_id = c.id AND t.status >= 90) END
RETURNING c.id
"""


def finish(campaign_ids: Iterable[UUID] | None = None) -> list[UUID]:
    """End those of the campaigns (of all, without ids) that are done; which ones.  Runs under the engine."""
    ids = None if campaign_ids is None else [str(id) for id in campaign_ids]
    return [id for (id,) in rows(_FINISH, {"ids": ids})]
