import logging
from collections.abc import Sequence
from uuid import UUID

from kit import tenancy
from kit.events import emit
from kit.ids import uuid7
from kit.sql import run
from messaging.channels.types.base import Channel, ParsedInbound, ParsedReceipt, RawDeliver
from messaging.engine.events import receipts_stored
from messaging.engine.models import DeliveryReceipt

log = logging.getLogger(__name__)

_STORE_RECEIPTS = """
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

    A receipt with a word we do not know is logged and let go: guessing would be worse.
    """
    receipts: list[tuple[RawDeliver, ParsedReceipt]] = []
    inbound: list[tuple[RawDeliver, ParsedInbound]] = []
    for piece in news:
        kept, parsed = (
            (receipts, channel.parse_receipt) if piece.kind == "receipt" else (inbound, channel.parse_inbound)
        )
        if (meaning := parsed(piece.raw)) is None:
            log.warning("a carrier's word we do not know", extra={"channel_id": str(channel_id), "kind": piece.kind})
        else:
            kept.append((piece, meaning))
    with tenancy.as_engine():
        _store_receipts(channel_id, receipts)
        _store_inbound(channel_id, inbound)
        if receipts:
            emit(receipts_stored, sender=DeliveryReceipt)


def _store_receipts(channel_id: UUID, receipts: list[tuple[RawDeliver, ParsedReceipt]]) -> None:
    if receipts:
        run(
            _STORE_RECEIPTS,
            {
                "channel": channel_id,
                "references": [receipt.reference[:65] or _own_reference(receipt) for _, receipt in receipts],
                "states": [receipt.state for _, receipt in receipts],
                "codes": [receipt.error_code[:40] for _, receipt in receipts],
                "user_references": [receipt.user_message_reference for _, receipt in receipts],
                "recipients": [receipt.recipient[:21] for _, receipt in receipts],
                "times": [piece.received_at for piece, _ in receipts],
            },
        )


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
