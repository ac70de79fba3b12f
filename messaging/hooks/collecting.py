"""Collecting: one delivery for each final message and each endpoint that wants to hear of it.

Both statements may run at any time and at once: the unique key over endpoint, message and event makes it one.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from kit.ids import first_id_at
from kit.sql import run

from .bodies import EVENTS
from .models import WebhookEndpoint
from .rules.pauses import TRIED_FOR

MOST_AT_ONCE = 10_000

_EVENT = f"CASE m.status {' '.join(f'WHEN {int(s)} THEN {e!r}' for s, e in EVENTS.items())} END"
_INSERT = f"""
INSERT INTO hooks_webhookdelivery
    (id, organisation_id, endpoint_id, message_id, event, status, tries, due_at, give_up_at, last_error, created_at)
SELECT uuidv7(), m.organisation_id, e.id, m.id, {_EVENT}, 'waiting', 0, now(), now() + %(tried_for)s, '', now()
FROM hooks_webhookendpoint e JOIN engine_message m
    ON m.organisation_id = e.organisation_id AND m.status >= 90 AND m.final_at >= e.active_since
WHERE e.is_active AND e.removed_at IS NULL
"""  # noqa: S608  (names and numbers of our own)
_SETTLED = f"{_INSERT} AND m.id = ANY(%(ids)s::uuid[]) ON CONFLICT DO NOTHING"
_MISSED = f"""{_INSERT} AND m.id >= %(first)s AND m.final_at >= %(since)s AND NOT EXISTS (
    SELECT FROM hooks_webhookdelivery d WHERE d.endpoint_id = e.id AND d.message_id = m.id AND d.event = {_EVENT})
LIMIT %(most)s ON CONFLICT DO NOTHING
"""  # noqa: S608


def anybody_listens(organisation_ids: Collection[UUID]) -> bool:
    """Whether any of the organisations has an endpoint that is called.  Under the engine."""
    return WebhookEndpoint.objects.filter(
        organisation_id__in=organisation_ids, is_active=True, removed_at=None
    ).exists()


def collect_settled(message_ids: Sequence[UUID | str]) -> int:
    """Make the deliveries of messages that have become final; how many there are.  Under the engine."""
    return run(_SETTLED, {"ids": [str(id) for id in message_ids], "tried_for": TRIED_FOR})


def collect_missed(*, final_within: timedelta, accepted_within: timedelta, now: datetime | None = None) -> int:
    """The same for final messages nobody told us of: the event is a hint, the rows are the truth.  Under the engine."""
    now = now or timezone.now()
    return run(
        _MISSED,
        {
            "first": first_id_at(now - accepted_within),
            "since": now - final_within,
            "most": MOST_AT_ONCE,
            "tried_for": TRIED_FOR,
        },
    )
