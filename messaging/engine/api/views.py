"""/api/v1/messages"""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kit.errors import Invalid
from messaging.engine.queries import message_of, messages_for
from messaging.engine.states import BY_CODE

from . import schema
from .bodies import message_body
from .sending import send

MOST_A_PAGE = 200


class MessagesView(APIView):
    """Send messages, and list them."""

    required_scope = {"GET": "messages:read", "POST": "messages:send"}

    def dispatch(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if request.method == "POST":  # the hot path goes past the framework; `post` below documents it
            return send(request)
        return super().dispatch(request, *args, **kwargs)

    @extend_schema(**schema.SEND)
    def post(self, request: Request) -> HttpResponse:
        return send(request._request)

    @extend_schema(
        operation_id="list_messages",
        summary="List messages, newest first",
        parameters=[
            OpenApiParameter("cursor", OpenApiTypes.UUID, description="`next` of the page before."),
            OpenApiParameter("limit", int, description=f"1 to {MOST_A_PAGE}, 50 unless told."),
            OpenApiParameter("status", str, enum=sorted(BY_CODE)),
            OpenApiParameter("to", str, description="The exact number, in E.164."),
            OpenApiParameter("reference", str, description="Your own reference."),
            OpenApiParameter("campaign", OpenApiTypes.UUID),
        ],
        responses={200: schema.MESSAGE_PAGE, **schema.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        query = request.query_params
        limit = _limit(query.get("limit", "50"))
        messages = messages_for(request.auth.organisation)
        if cursor := query.get("cursor"):
            messages = messages.filter(pk__lt=_id("cursor", cursor))
        if campaign := query.get("campaign"):
            messages = messages.filter(campaign_id=_id("campaign", campaign))
        if status := query.get("status"):
            messages = messages.filter(status=_status(status))
        for parameter, column in (("to", "recipient"), ("reference", "client_reference")):
            if value := query.get(parameter):
                messages = messages.filter(**{column: _plain(parameter, value)})
        page = list(messages[: limit + 1])
        more = len(page) > limit
        return Response(
            {
                "messages": [message_body(message) for message in page[:limit]],
                "next": str(page[limit - 1].pk) if more else None,
            }
        )


class MessageView(APIView):
    """One message."""

    required_scope = {"GET": "messages:read"}

    @extend_schema(
        operation_id="get_message", summary="Get one message", responses={200: schema.MESSAGE, **schema.REFUSALS}
    )
    def get(self, request: Request, id: UUID) -> Response:
        return Response(message_body(message_of(request.auth.organisation, id)))


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MOST_A_PAGE:
        raise Invalid(fields={"limit": f"Use a number from 1 to {MOST_A_PAGE}."})
    return int(text)


def _id(parameter: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(fields={parameter: "This is not an id."}) from None


def _status(text: str) -> int:
    if text not in BY_CODE:
        raise Invalid(fields={"status": f"Use one of {', '.join(sorted(BY_CODE))}."})
    return int(BY_CODE[text])


def _plain(parameter: str, text: str) -> str:
    if "\0" in text:
        raise Invalid(fields={parameter: "This contains a NUL character."})
    return text
