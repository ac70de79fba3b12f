"""What the OpenAPI document says of the message endpoints, whose hot path no serializer describes."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from kit.api.schema import NEXT, REFUSALS, WRITING, refused

from .requests import MOST_MESSAGES

_TEXT: dict[str, Any] = {"type": "string"}
_VALUES = {"type": "object", "additionalProperties": {"type": "string", "maxLength": 2000}}
_REFERENCE = {
    "type": "string",
    "maxLength": 64,
    "pattern": r"^[^\x00-\x1f\x7f]*$",
    "description": "Your own reference, given back with every answer.",
}
_NUMBER = {"type": "string", "minLength": 1, "maxLength": 32, "description": "E.164, or as written in your country."}

_SEND_REQUEST = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "to": {**_NUMBER, "description": "One number. Give this or `messages`."},
        "messages": {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_MESSAGES,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["to"],
                "properties": {"to": _NUMBER, "variables": _VALUES, "reference": _REFERENCE},
            },
        },
        "template": {"type": "string", "description": "Id or name of an approved template. Give this or `text`."},
        "text": {"type": "string", "maxLength": 2000, "description": "The exact wording of an approved template."},
        "sender": {
            "type": "string",
            "description": "Id or name of an approved sender; may be left out when you have one.",
        },
        "variables": _VALUES,
        "reference": _REFERENCE,
    },
}

_ACCEPTED = {
    "type": "object",
    "properties": {
        "messages": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "to": _TEXT,
                    "typed": _TEXT,
                    "reference": _TEXT,
                    "status": {"type": "string", "enum": ["queued", "blocked"]},
                    "error": _TEXT,
                    "segments": {"type": "integer"},
                    "price": {"type": "string", "description": "In currency units, as text."},
                },
            },
        },
        "segments": {"type": "integer"},
        "price": _TEXT,
        "currency": _TEXT,
    },
}

_MESSAGE: dict[str, Any] = {
    "type": "object",
    "required": ["id", "to", "status", "is_final"],
    "properties": {
        **dict.fromkeys(("to", "country", "text", "sender", "category", "status", "error", "price", "currency"), _TEXT),
        "id": {"type": "string", "format": "uuid"},
        "is_final": {"type": "boolean"},
        "is_test": {"type": "boolean"},
        "segments": {"type": "integer"},
        "encoding": {"type": "string", "enum": ["gsm7", "ucs2"]},
        "paid_by": {"type": "string", "enum": ["wallet", "allowance"]},
        "reference": _TEXT,
        "campaign": {"type": ["string", "null"], "format": "uuid"},
        "accepted_at": {"type": "string", "format": "date-time"},
        "submitted_at": {"type": ["string", "null"], "format": "date-time"},
        "final_at": {"type": ["string", "null"], "format": "date-time"},
    },
}

EXAMPLE = {
    "id": "019aab35-0b1e-7f43-9c55-3f6f0d9a8b21",
    "to": "+447400123456",
    "country": "GB",
    "text": "Your order 1001 is on its way and arrives tomorrow before 12:00.",
    "sender": "Meadowlark",
    "category": "notice",
    "status": "delivered",
    "is_final": True,
    "error": "",
    "segments": 1,
    "encoding": "gsm7",
    "price": "0.3375",
    "currency": "CNY",
    "paid_by": "wallet",
    "reference": "order-1001",
    "campaign": None,
    "is_test": False,
    "accepted_at": "2026-11-22T15:12:00.286Z",
    "submitted_at": "2026-11-22T15:12:00.301Z",
    "final_at": "2026-11-22T15:12:02.118Z",
}
_ACCEPTED_EXAMPLE = {
    "messages": [
        {
            "id": EXAMPLE["id"],
            "to": "+447400123456",
            "typed": "+44 7400 123456",
            "reference": "order-1001",
            "status": "queued",
            "error": "",
            "segments": 1,
            "price": "0.3375",
        }
    ],
    "segments": 1,
    "price": "0.3375",
    "currency": "CNY",
}


def _answer(schema: dict[str, Any], why: str, example: dict[str, Any]) -> OpenApiResponse:
    return OpenApiResponse(schema, description=why, examples=[OpenApiExample(why, example, response_only=True)])


MESSAGE = _answer(_MESSAGE, "The message as it stands now.", EXAMPLE)
MESSAGE_PAGE = _answer(
    {
        "type": "object",
        "required": ["messages", "next"],
        "properties": {"messages": {"type": "array", "items": _MESSAGE}, "next": NEXT},
    },
    "One page, newest first.",
    {"messages": [EXAMPLE], "next": EXAMPLE["id"]},
)
SEND: dict[str, Any] = {
    "operation_id": "send_messages",
    "summary": "Send one message, or up to 1,000",
    "description": (
        "202 means that every message, its price and its place in the queue are on disk. With an `Idempotency-Key`, "
        "the same request again within seven days gives the same messages; another request with that key is refused. "
        "Messages sent with a test key never reach a carrier: numbers that end in 0001 fail, in 0002 are refused, "
        "in 0003 get no receipt; all others are delivered."
    ),
    "request": {"application/json": _SEND_REQUEST},
    "parameters": [
        OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description="Up to 255 characters.")
    ],
    "responses": {
        202: _answer(_ACCEPTED, "Accepted: on disk and on their way.", _ACCEPTED_EXAMPLE),
        402: refused(
            "The balance does not reach; `details` says how much is missing.",
            "insufficient_balance",
            "The wallet does not hold enough for this. Top it up, or send less.",
            needed="0.08",
            available="0.03",
            currency="GBP",
        ),
        404: refused(
            "There is no approved template or sender with that id or name.",
            "not_found",
            "There is no approved template with this id or name.",
            field="template",
            given="Order shipped",
        ),
        **REFUSALS,
        413: WRITING[413],
    },
    "examples": [
        OpenApiExample(
            "One message",
            {
                "to": "+447400123456",
                "template": "Order shipped",
                "sender": "Meadowlark",
                "variables": {"order": "1001"},
                "reference": "order-1001",
            },
            request_only=True,
        ),
        OpenApiExample(
            "Many",
            {
                "template": "Order shipped",
                "sender": "Meadowlark",
                "messages": [
                    {"to": "+447400123456", "variables": {"order": "1001"}},
                    {"to": "+8613812345678", "variables": {"order": "1002"}},
                ],
            },
            request_only=True,
        ),
    ],
}
