"""/api/v1/messages"""

from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kit.api.reading import USUAL_PAGE, read_id, read_limit, read_plain
from kit.api.schema import NOT_FOUND, PAGING
from kit.errors import Invalid
from messaging.engine.pages import EVERY, page_of
from messaging.engine.queries import message_of, messages_for, of_campaign, share_of
from messaging.engine.states import BY_CODE, Status

from . import schema
from .bodies import message_body
from .sending import send


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
        description=(
            "Ask with `next` as `cursor` until it is null. A page by `status` looks at 10,000 messages at most, so it may "
            "hold fewer than `limit`, even none, and not be the last; asked of one `campaign`, what did not arrive "
            "mostly comes in whole pages."
        ),
        parameters=[
            *PAGING,
            OpenApiParameter("status", str, enum=sorted(BY_CODE)),
            OpenApiParameter("to", str, description="The exact number, in E.164."),
            OpenApiParameter("reference", str, description="Your own reference."),
            OpenApiParameter("campaign", OpenApiTypes.UUID),
        ],
        responses={200: schema.MESSAGE_PAGE, **schema.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        query = request.query_params
        organisation = request.auth.organisation
        messages = messages_for(organisation)
        campaign_id = read_id("campaign", query["campaign"]) if query.get("campaign") else None
        if campaign_id:
            messages = of_campaign(messages, campaign_id)
        status = _status(query["status"]) if query.get("status") else None
        wanted = Q(status=status) if status else EVERY
        for parameter, column in (("to", "recipient"), ("reference", "client_reference")):
            if value := query.get(parameter):
                messages = messages.filter(**{column: read_plain(parameter, value)})
        cursor = read_id("cursor", query["cursor"]) if query.get("cursor") else None
        size = read_limit(query.get("limit") or str(USUAL_PAGE))
        asks_more = not {"to", "reference"}.isdisjoint(query)
        share = share_of(organisation, campaign_id, [status]) if campaign_id and status and not asks_more else None
        page = page_of(messages, wanted=wanted, share=share, before=cursor, size=size)
        older = str(page.older) if page.older else None
        return Response({"messages": [message_body(message) for message in page.messages], "next": older})


class MessageView(APIView):
    """One message."""

    required_scope = {"GET": "messages:read"}

    @extend_schema(
        operation_id="get_message",
        summary="Get one message",
        responses={200: schema.MESSAGE, **schema.REFUSALS, **NOT_FOUND},
    )
    def get(self, request: Request, id: UUID) -> Response:
        return Response(message_body(message_of(request.auth.organisation, id)))


def _status(text: str) -> Status:
    if text not in BY_CODE:
        raise Invalid(fields={"status": f"Use one of {', '.join(sorted(BY_CODE))}."})
    return BY_CODE[text]
