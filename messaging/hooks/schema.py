"""What the OpenAPI document says of the calls we make."""

from drf_spectacular.utils import OpenApiWebhook, extend_schema

from messaging.engine.api.schema import EXAMPLE

from .bodies import EVENTS

_EVENT = {
    "type": "object",
    "required": ["type", "timestamp", "data"],
    "properties": {
        "type": {"type": "string", "enum": list(EVENTS.values())},
        "timestamp": {"type": "string", "format": "date-time"},
        "data": {"type": "object", "description": "The message, as `GET /api/v1/messages/{id}` shows it."},
    },
    "example": {"type": "message.delivered", "timestamp": EXAMPLE["final_at"], "data": EXAMPLE},
}

MESSAGE_FINAL = OpenApiWebhook(
    "message.final",
    extend_schema(
        operation_id="message_final",
        summary="A message has reached its final state",
        description=(
            "Sent once a message is delivered, undelivered, expired, refused, blocked or cancelled. Answer 2xx within "
            "five seconds; anything else is tried again for 24 hours.\n\n"
            "* `webhook-id`: the same on every try, so what you have seen you can leave out\n"
            "* `webhook-timestamp`: seconds since 1970; refuse what is older than five minutes\n"
            "* `webhook-signature`: as Standard Webhooks describes, `v1,` and the base64 of an HMAC-SHA256 over "
            "`id.timestamp.body`; two of them, separated by a space, while you change secrets"
        ),
        request={"application/json": _EVENT},
        responses={200: None},
        auth=[],
    ),
)
