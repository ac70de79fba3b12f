import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection

from kit import tenancy
from kit.errors import DomainError
from kit.events import emit
from kit.ids import uuid7
from kit.sql import array, records, run, text_array
from messaging.channels.types.base import Channel, ParsedInbound, ParsedReceipt, RawDeliver
from messaging.engine.events import receipts_stored
from messaging.engine.models import DeliveryReceipt

from .meaning import Folded, apply

log = logging.getLogger(__name__)

Receipt = tuple[RawDeliver, ParsedReceipt]
Inbound = tuple[RawDeliver, ParsedInbound]

# What names a message we know is folded as it is stored; the rest waits in the inbox.  A name that a carrier used twice
# means the newer message.
_STORE_RECEIPTS = """
WITH u AS MATERIALIZED (
    SELECT u.*, coalesce(a.message_id, c.message_id) AS message_id,
        coalesce(a.organisation_id, c.organisation_id) AS organisation_id, coalesce(a.parts, 2) AS parts
    FROM unnest(%(references)s::text[], %(states)s::text[], %(codes)s::text[], %(user_references)s::int[],
        %(recipients)s::text[], %(times)s::timestamptz[]) u(reference, state, code, user_reference, recipient, received_at)
    LEFT JOIN LATERAL (
        SELECT a.message_id, a.organisation_id, a.parts FROM engine_attempt a
        WHERE a.channel_id = %(channel)s AND a.carrier_reference = u.reference AND a.carrier_reference <> ''
        ORDER BY a.started_at DESC LIMIT 1
    ) a ON true
    LEFT JOIN LATERAL (
        SELECT c.message_id, c.organisation_id FROM engine_carrierreference c
        WHERE a.message_id IS NULL AND c.channel_id = %(channel)s AND c.reference = u.reference LIMIT 1
    ) c ON true
),
stored AS (
    INSERT INTO engine_deliveryreceipt (channel_id, reference, state, part, error_code, user_reference, recipient, raw,
        received_at, folded_at, message_id, organisation_id)
    SELECT %(channel)s, reference, state, 0, code, user_reference, recipient, '', received_at,
        CASE WHEN message_id IS NOT NULL THEN now() END, message_id, organisation_id
    FROM u ON CONFLICT (channel_id, reference, part, state) DO NOTHING
    RETURNING message_id, state, error_code, reference
)
SELECT stored.message_id, stored.state, stored.error_code, max(u.parts)
FROM stored JOIN u ON u.reference = stored.reference AND u.state = stored.state
GROUP BY stored.message_id, stored.state, stored.error_code, stored.reference
"""
_KEEP_RECEIPTS = """
INSERT INTO engine_deliveryreceipt (channel_id, reference, state, part, error_code, user_reference, recipient, raw, received_at)
SELECT %(channel)s, u.reference, u.state, 0, u.code, u.user_reference, u.recipient, '', u.received_at
FROM unnest(%(references)s::text[], %(states)s::text[], %(codes)s::text[], %(user_references)s::int[], %(recipients)s::text[],
    %(times)s::timestamptz[]) u(reference, state, code, user_reference, recipient, received_at)
ON CONFLICT (channel_id, reference, part, state) DO NOTHING
"""

_STORE_INBOUND = """
INSERT INTO engine_inboundmessage (id, channel_id, carrier_reference, sender, recipient, body, received_at)
SELECT u.id, %(channel)s, u.reference, u.sender, u.recipient, u.body, u.received_at
FROM unnest(%(ids)s::uuid[], %(references)s::text[], %(senders)s::text[], %(recipients)s::text[], %(bodies)s::text[],
    %(times)s::timestamptz[]) u(id, reference, sender, recipient, body, received_at)
ON CONFLICT (channel_id, carrier_reference) DO NOTHING
"""


def store_news(*, channel_id: UUID, channel: Channel, news: Sequence[RawDeliver]) -> None:
    """Put what a carrier told us into the inboxes, each piece once; returning means it is on disk.

    Receipts of messages we know are folded in the same transaction; should that fail, they are kept for a later fold.
    A receipt with a word we do not know is logged and let go: guessing would be worse.
    """
    receipts, inbound = _read(channel_id, channel, news)
    columns = _columns(channel_id, receipts)
    try:
        with tenancy.as_engine():
            are_folded = _store_receipts(columns, size=len(receipts)) if receipts else True
            _store_inbound(channel_id, inbound)
    except (DatabaseError, DomainError) as error:
        if connection.in_atomic_block:
            raise
        log.warning("receipts are kept to be folded later", extra={"why": str(error).partition("\n")[0]})
        with tenancy.as_engine():
            if receipts:
                run(_KEEP_RECEIPTS, columns)
            _store_inbound(channel_id, inbound)
        are_folded = False
    if not are_folded:
        emit(receipts_stored, sender=DeliveryReceipt)


def _read(channel_id: UUID, channel: Channel, news: Sequence[RawDeliver]) -> tuple[list[Receipt], list[Inbound]]:
    receipts: list[Receipt] = []
    inbound: list[Inbound] = []
    for piece in news:
        kept, parsed = (
            (receipts, channel.parse_receipt) if piece.kind == "receipt" else (inbound, channel.parse_inbound)
        )
        if (meaning := parsed(piece.raw)) is None:
            log.warning("a carrier's word we do not know", extra={"channel_id": str(channel_id), "kind": piece.kind})
        else:
            kept.append((piece, meaning))
    return receipts, inbound


def _columns(channel_id: UUID, receipts: list[Receipt]) -> dict[str, Any]:
    return {
        "channel": channel_id,
        "references": text_array([receipt.reference[:65] or _own_reference(receipt) for _, receipt in receipts]),
        "states": array([receipt.state for _, receipt in receipts]),
        "codes": text_array([receipt.error_code[:40] for _, receipt in receipts]),
        "user_references": array([receipt.user_message_reference for _, receipt in receipts]),
        "recipients": text_array([receipt.recipient[:21] for _, receipt in receipts]),
        "times": array([piece.received_at for piece, _ in receipts]),
    }


def _store_receipts(columns: dict[str, Any], *, size: int) -> bool:
    """Store them and fold those whose message is known; whether that was all of them."""
    stored = records(Folded, _STORE_RECEIPTS, columns, size=size)
    known = [receipt for receipt in stored if receipt.message_id]
    apply(known)
    return len(known) == len(stored)


def _own_reference(receipt: ParsedReceipt) -> str:
    """What stands for the name a carrier gives no message: the same in all receipts of one, and in no other's."""
    return f"ours:{receipt.user_message_reference}:{receipt.recipient}"[:65]


def _store_inbound(channel_id: UUID, inbound: list[tuple[RawDeliver, ParsedInbound]]) -> None:
    if inbound:
        run(
            _STORE_INBOUND,
            {
                "channel": channel_id,
                "ids": [str(uuid7()) for _ in inbound],
                "references": [text.reference[:65] or piece.key for piece, text in inbound],
                "senders": [text.sender[:21] for _, text in inbound],
                "recipients": [text.recipient[:21] for _, text in inbound],
                "bodies": [text.body.replace("\0", "") for _, text in inbound],
                "times": [piece.received_at for piece, _ in inbound],
            },
        )
