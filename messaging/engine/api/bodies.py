"""How messages look on the wire."""

from collections.abc import Mapping, Sequence
from typing import Any

from kit.api import amount, instant
from messaging.engine.accept import Accepted
from messaging.engine.models import Message
from messaging.engine.states import CODES

Told = Sequence[str] | Mapping[int, str]


def accepted_body(accepted: Accepted, references: Told, typed: Told) -> dict[str, Any]:
    """The answer to a send: one entry for each message, in the order they were given, with what was told by its row."""
    return {
        "messages": [
            {
                "id": str(message.id),
                "to": message.recipient,
                "typed": typed[message.row],
                "reference": references[message.row],
                "status": CODES[message.status],
                "error": message.error_code,
                "segments": message.segments,
                "price": amount(message.price),
            }
            for message in accepted.messages
        ],
        "segments": accepted.segments,
        "price": amount(accepted.price),
        "currency": accepted.currency,
    }


def message_body(message: Message) -> dict[str, Any]:
    """One message as it stands now.  Instants are ISO 8601 in UTC; `price` is what its quote asks for all its segments."""
    return {
        "id": str(message.pk),
        "to": message.recipient,
        "country": message.country,
        "text": message.body,
        "sender": message.sender,
        "category": message.category,
        "status": CODES[message.state],
        "is_final": message.is_final,
        "error": message.error_code,
        "segments": message.segments,
        "encoding": "ucs2" if message.is_unicode else "gsm7",
        "price": amount(message.price),
        "currency": message.currency,
        "paid_by": "allowance" if message.allowance_id else "wallet",
        "reference": message.client_reference,
        "campaign": str(message.campaign_id) if message.campaign_id else None,
        "is_test": message.is_test,
        "accepted_at": instant(message.accepted_at),
        "submitted_at": instant(message.submitted_at),
        "final_at": instant(message.final_at),
    }
