"""Storing a batch: messages, their places in the queue and their traffic deltas in one statement."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from billing.pricing.models import Quote
from kit.sql import array, planned_once, text_array
from messaging.engine.states import LANES, Status

from .drafts import AcceptedMessage

if TYPE_CHECKING:
    from .acceptance import Origin, Prepared

Destination = tuple[str, str]


class Kind(NamedTuple):
    """What decides a message's quote, channel and lane."""

    version: UUID
    country: str
    category: str

    @property
    def destination(self) -> Destination:
        return self.country, self.category


# What the messages of one kind have in common is said once.
_STORE = """
WITH k AS MATERIALIZED (
    SELECT * FROM unnest(%(kind_versions)s::uuid[], %(kind_countries)s::text[], %(kind_categories)s::text[],
        %(kind_quotes)s::uuid[], %(kind_channels)s::uuid[], %(kind_lanes)s::smallint[])
        WITH ORDINALITY k(version, country, category, quote, channel, lane, kind)
),
m AS (
    INSERT INTO engine_message (id, organisation_id, campaign_id, api_key_id, template_version_id, sender, recipient, country,
        category, body, is_unicode, segments, status, error_code, quote_id, allowance_id, price, currency, channel_id,
        client_reference, is_test, attempts, validity_until, final_at)
    SELECT u.id, %(organisation)s::uuid, %(campaign)s::uuid, %(key)s::uuid, k.version, u.sender, u.recipient, k.country, k.category, u.body,
        u.is_unicode, u.segments, u.status, u.error_code, k.quote, u.allowance, u.price, %(currency)s::text, k.channel,
        u.client_reference, %(is_test)s::boolean, 0, %(validity_until)s::timestamptz, CASE WHEN u.status >= 90 THEN now() END
    FROM unnest(%(ids)s::uuid[], %(kinds)s::int[], %(senders)s::text[], %(recipients)s::text[], %(bodies)s::text[],
        %(unicode)s::boolean[], %(segments)s::smallint[], %(statuses)s::smallint[], %(error_codes)s::text[],
        %(allowances)s::uuid[], %(prices)s::bigint[], %(client_references)s::text[])
        u(id, kind, sender, recipient, body, is_unicode, segments, status, error_code, allowance, price, client_reference)
    JOIN k ON k.kind = u.kind
    RETURNING id, channel_id, country, category, status, error_code, segments, price
),
q AS (
    INSERT INTO engine_queueentry (message_id, organisation_id, channel_id, campaign_id, lane, due_at)
    SELECT u.id, %(organisation)s::uuid, k.channel, %(campaign)s::uuid, k.lane, now()
    FROM unnest(%(ids)s::uuid[], %(kinds)s::int[], %(statuses)s::smallint[]) u(id, kind, status) JOIN k ON k.kind = u.kind
    WHERE u.status < 90
)
INSERT INTO engine_trafficcount (organisation_id, hour, campaign_id, channel_id, country, category, currency, status, error_code,
    messages, segments, amount, latency_ms, is_squashed)
SELECT %(organisation)s::uuid, date_trunc('hour', now()), %(campaign)s::uuid, channel_id, country, category, %(currency)s::text,
    counted.status, CASE WHEN counted.status = 20 THEN '' ELSE error_code END, count(*), sum(segments), sum(price), 0, false
FROM m CROSS JOIN LATERAL (VALUES (20), (CASE WHEN m.status >= 90 THEN m.status END)) AS counted(status)
WHERE counted.status IS NOT NULL AND NOT %(is_test)s::boolean
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
    kinds = [Kind(draft.version.id, draft.country, draft.version.category) for draft in drafts]
    numbers = {kind: number for number, kind in enumerate(dict.fromkeys(kinds), start=1)}
    planned_once(
        _STORE,
        {
            "organisation": origin.organisation.pk,
            "campaign": origin.campaign_id,
            "key": origin.api_key_id,
            "currency": origin.organisation.currency,
            "is_test": origin.is_test,
            "validity_until": timezone.now() + timedelta(hours=settings.MESSAGE_VALIDITY_HOURS),
            "ids": array([message.id for message in messages]),
            "kinds": array([numbers[kind] for kind in kinds]),
            "senders": text_array([draft.sender.address for draft in drafts]),
            "recipients": array([draft.recipient for draft in drafts]),
            "bodies": text_array([one.text for one in prepared]),
            "unicode": array([one.is_unicode for one in prepared]),
            "segments": array([one.segments for one in prepared]),
            "statuses": array([int(message.status) for message in messages]),
            "error_codes": text_array([message.error_code for message in messages]),
            "allowances": array([allowances.get(index) for index in range(len(drafts))]),
            "prices": array([message.price for message in messages]),
            "client_references": text_array([draft.client_reference for draft in drafts]),
            **_columns(list(numbers), quotes, routes),
        },
        size=len(drafts),
    )
    return {
        routes[kind.destination]
        for kind, message in zip(kinds, messages, strict=True)
        if message.status == Status.QUEUED
    }


def _columns(
    kinds: Sequence[Kind], quotes: Mapping[Destination, Quote], routes: Mapping[Destination, UUID]
) -> dict[str, str]:
    """What the messages of each kind have in common."""
    found = [quotes.get(kind.destination) for kind in kinds]
    return {
        "kind_versions": array([kind.version for kind in kinds]),
        "kind_countries": array([kind.country for kind in kinds]),
        "kind_categories": array([kind.category for kind in kinds]),
        "kind_quotes": array([quote.pk if quote else None for quote in found]),
        "kind_channels": array([routes[kind.destination] for kind in kinds]),
        "kind_lanes": array([int(LANES[kind.category]) for kind in kinds]),
    }
