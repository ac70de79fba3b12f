"""Storing a batch: messages, their places in the queue and their traffic deltas in one statement."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from billing.pricing.models import Quote
from kit.sql import run
from messaging.engine.states import LANES, Status

from .drafts import AcceptedMessage

if TYPE_CHECKING:
    from .acceptance import Origin, Prepared

Destination = tuple[str, str]

_STORE = """
WITH m AS (
    INSERT INTO engine_message (id, organisation_id, campaign_id, api_key_id, template_version_id, sender, recipient, country,
        category, body, is_unicode, segments, status, error_code, quote_id, allowance_id, price, currency, channel_id,
        client_reference, is_test, attempts, validity_until, final_at)
    SELECT u.id, %(organisation)s, %(campaign)s, %(key)s, u.version, u.sender, u.recipient, u.country, u.category, u.body,
        u.is_unicode, u.segments, u.status, u.error_code, u.quote, u.allowance, u.price, %(currency)s, u.channel,
        u.client_reference, %(is_test)s, 0, %(validity_until)s, CASE WHEN u.status >= 90 THEN now() END
    FROM unnest(%(ids)s::uuid[], %(versions)s::uuid[], %(senders)s::text[], %(recipients)s::text[], %(countries)s::text[],
        %(categories)s::text[], %(bodies)s::text[], %(unicode)s::boolean[], %(segments)s::smallint[], %(statuses)s::smallint[],
        %(error_codes)s::text[], %(quotes)s::uuid[], %(allowances)s::uuid[], %(prices)s::bigint[], %(channels)s::uuid[],
        %(client_references)s::text[])
        u(id, version, sender, recipient, country, category, body, is_unicode, segments, status, error_code, quote, allowance,
            price, channel, client_reference)
    RETURNING id, channel_id, country, category, status, error_code, segments, price
),
q AS (
    INSERT INTO engine_queueentry (message_id, organisation_id, channel_id, campaign_id, lane, due_at)
    SELECT u.id, %(organisation)s, u.channel, %(campaign)s, u.lane, now()
    FROM unnest(%(ids)s::uuid[], %(channels)s::uuid[], %(lanes)s::smallint[], %(statuses)s::smallint[]) u(id, channel, lane, status)
    WHERE u.status < 90
)
INSERT INTO engine_trafficcount (organisation_id, hour, campaign_id, channel_id, country, category, currency, status, error_code,
    messages, segments, amount, latency_ms, is_squashed)
SELECT %(organisation)s, date_trunc('hour', now()), %(campaign)s, channel_id, country, category, %(currency)s, counted.status,
    CASE WHEN counted.status = 20 THEN '' ELSE error_code END, count(*), sum(segments), sum(price), 0, false
FROM m CROSS JOIN LATERAL (VALUES (20), (CASE WHEN m.status >= 90 THEN m.status END)) AS counted(status)
WHERE counted.status IS NOT NULL AND NOT %(is_test)s
GROUP BY channel_id, country, category, counted.status, CASE WHEN counted.status = 20 THEN '' ELSE error_code END
"""


def store(
    origin: "Origin",
    prepared: Sequence["Prepared"],
    messages: Sequence[AcceptedMessage],
    *,
    quotes: Mapping[Destination, Quote],
    allowances: Mapping[int, UUID],
    routes: Mapping[Destination, UUID],
) -> set[UUID]:
    """Write the batch and say which channels have new work."""
    drafts = [one.draft for one in prepared]
    destinations = [(draft.country, draft.version.category) for draft in drafts]
    channels = [routes[destination] for destination in destinations]
    run(
        _STORE,
        {
            "organisation": origin.organisation.pk,
            "campaign": origin.campaign_id,
            "key": origin.api_key_id,
            "currency": origin.organisation.currency,
            "is_test": origin.is_test,
            "validity_until": timezone.now() + timedelta(hours=settings.MESSAGE_VALIDITY_HOURS),
            "ids": [str(message.id) for message in messages],
            "versions": [str(draft.version.id) for draft in drafts],
            "senders": [draft.sender.address for draft in drafts],
            "recipients": [draft.recipient for draft in drafts],
            "countries": [country for country, _ in destinations],
            "categories": [category for _, category in destinations],
            "bodies": [one.text for one in prepared],
            "unicode": [one.is_unicode for one in prepared],
            "segments": [one.segments for one in prepared],
            "statuses": [int(message.status) for message in messages],
            "error_codes": [message.error_code for message in messages],
            "quotes": [str(quotes[d].pk) if d in quotes else None for d in destinations],
            "allowances": [str(allowances[i]) if i in allowances else None for i in range(len(drafts))],
            "prices": [message.price for message in messages],
            "channels": [str(channel) for channel in channels],
            "client_references": [draft.client_reference for draft in drafts],
            "lanes": [int(LANES[category]) for _, category in destinations],
        },
    )
    return {channel for channel, message in zip(channels, messages, strict=True) if message.status == Status.QUEUED}
