"""What the OpenAPI document says of every endpoint alike: refusals, pages, parameters."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from .reading import MOST_A_PAGE, USUAL_PAGE


class ErrorSerializer(serializers.Serializer):
    """What went wrong: `code` is stable, `message` is for people, `details` is data (the fields, the missing amount)."""

    code = serializers.CharField()
    message = serializers.CharField()
    details = serializers.DictField()


class RefusalSerializer(serializers.Serializer):
    """Every answer that is no success has this shape."""

    error = ErrorSerializer()


CURSOR = OpenApiParameter("cursor", OpenApiTypes.UUID, description="`next` of the page before.")
LIMIT = OpenApiParameter(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": MOST_A_PAGE, "default": USUAL_PAGE},
    description="How many at most.",
)
PAGING = [CURSOR, LIMIT]
NEXT: dict[str, Any] = {
    "type": ["string", "null"],
    "format": "uuid",
    "description": "Give it as `cursor` for the next page; null on the last.",
}


def refused(why: str, code: str, message: str, **details: Any) -> OpenApiResponse:
    """One documented refusal with an example."""
    body = {"error": {"code": code, "message": message, "details": details}}
    return OpenApiResponse(
        RefusalSerializer, description=why, examples=[OpenApiExample(code, body, response_only=True)]
    )


REFUSALS: dict[int, OpenApiResponse] = {
    401: refused(
        "The key is missing, wrong, expired or revoked.", "api_key_unknown", "This API key does not exist.",
    ),
    403: refused(
        "The key lacks the scope, comes from another network, or the account is suspended.",
        "scope_missing", "This API key does not have the scope this address needs.", scope="messages:send", has=["messages:read"],
    ),
    406: refused(
        "`Accept` excludes JSON.", "not_acceptable", "Could not satisfy the request Accept header.",
    ),
    422: refused(
        "Something that was sent can't be used; `details` names it.",
        "invalid", "Some of what was sent can't be used.", fields={"limit": "Use a number from 1 to 200."},
    ),
    429: refused(
        "Too many requests or messages a second; try again after `Retry-After` seconds.",
        "rate_limited", "That was too much at once. Try again in a moment.",
        retry_after=1, requests_per_second=200, messages_per_second=5000,
    ),
    503: refused(
        "The service is restarting; try again after `Retry-After` seconds.",
        "unavailable", "The service is restarting. Try again in a few seconds; under the same Idempotency-Key nothing is sent twice.",
    ),
}  # fmt: skip
NOT_FOUND = {
    404: refused(
        "There is nothing with that id, or it is somebody else's.", "not_found", "There is nothing here with that id."
    )
}
WRITING = {
    413: refused("The body is larger than 4 MiB.", "too_large", "The request is too large.", limit=4 * 1024 * 1024),
    415: refused(
        "The body is not sent as `application/json`.",
        "unsupported_media_type", 'Unsupported media type "text/plain" in request.',
    ),
}  # fmt: skip
