"""/api/v1/recipient-files and /api/v1/campaigns"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api import AuthenticatedKey
from accounts.models import Organisation
from kit.api.reading import read_page
from kit.api.schema import NOT_FOUND, PAGING, REFUSALS, WRITING, refused
from messaging.campaigns.actions import (
    cancel_campaign,
    create_draft,
    pause_campaign,
    resume_campaign,
    set_message,
    start_campaign,
    upload_file,
)
from messaging.campaigns.errors import FileTooLarge
from messaging.campaigns.models import Campaign
from messaging.campaigns.progress import progress_for, with_progress
from messaging.campaigns.queries import campaign_of, campaigns_of, file_of
from messaging.campaigns.uploads import is_too_large
from messaging.content.choosing import version_and_sender_named
from messaging.engine.api.idempotency import answer_once

from .serializers import (
    CampaignPageSerializer,
    CampaignSerializer,
    NewCampaignSerializer,
    RecipientFileSerializer,
    UploadSerializer,
    campaign_body,
    file_body,
)

_STATE = {
    409: refused(
        "The campaign is no longer in a state that allows this.",
        "campaign_state", "The campaign is no longer in a state that allows this.", status="sent",
    )
}  # fmt: skip
_POOR = {
    402: refused(
        "The balance does not reach; `details` says how much is missing. Nothing was started.",
        "insufficient_balance", "The wallet does not hold enough for this campaign. Top it up; the draft is kept.",
        needed="12.4", available="10", currency="GBP", shortfall="2.4",
    )
}  # fmt: skip


def _answer(serializer: type[serializers.Serializer], why: str) -> OpenApiResponse:
    return OpenApiResponse(serializer, description=why)


class RecipientFilesView(APIView):
    """Upload a list of recipients."""

    required_scope = {"POST": "campaigns:write"}
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="upload_recipient_file",
        summary="Upload a list of recipients",
        description="It is read in the background: ask for it until its `status` is `read` or `refused`.",
        request={"multipart/form-data": UploadSerializer},
        responses={202: _answer(RecipientFileSerializer, "Stored, and waiting to be read."), **REFUSALS, **WRITING},
    )
    def post(self, request: Request) -> Response:
        if is_too_large(request._request):
            raise FileTooLarge
        asked = UploadSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        sent = asked.validated_data["file"]
        file = upload_file(
            organisation=request.auth.organisation,
            name=sent.name,
            stream=sent,
            by=request.auth.key.created_by,
            default_region=asked.validated_data.get("default_region", ""),
        )
        return Response(file_body(file), status=202)


class RecipientFileView(APIView):
    """One list of recipients."""

    required_scope = {"GET": "campaigns:write"}

    @extend_schema(
        operation_id="get_recipient_file",
        summary="Get a list of recipients: how far it is read, and what is in it",
        responses={200: _answer(RecipientFileSerializer, "The list as it stands now."), **REFUSALS, **NOT_FOUND},
    )
    def get(self, request: Request, id: UUID) -> Response:
        return Response(file_body(file_of(request.auth.organisation, id)))


class CampaignsView(APIView):
    """Start campaigns, and list them."""

    required_scope = {"GET": "campaigns:write", "POST": "campaigns:write"}

    @extend_schema(
        operation_id="list_campaigns",
        summary="List campaigns, newest first",
        parameters=PAGING,
        responses={200: _answer(CampaignPageSerializer, "One page of campaigns."), **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        organisation = request.auth.organisation
        page = read_page(campaigns_of(organisation), request.query_params)
        found = with_progress(organisation, page.rows)
        return Response({"campaigns": [campaign_body(one, organisation.currency) for one in found], "next": page.next})

    @extend_schema(
        operation_id="start_campaign",
        summary="Start a campaign, now or at a time",
        description=(
            "Everything is checked first: the file is read, template and sender are approved, every variable has a "
            "value, the balance reaches. When something is wrong, nothing is made. With an `Idempotency-Key`, the same "
            "request again gives the same campaign. A test key's campaign never reaches a carrier."
        ),
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        request=NewCampaignSerializer,
        responses={
            201: _answer(CampaignSerializer, "Started, or scheduled."),
            **_POOR,
            **REFUSALS,
            **NOT_FOUND,
            **WRITING,
        },
        examples=[
            OpenApiExample(
                "To a file",
                {
                    "name": "Autumn sale",
                    "file": "019aab34-3df7-7d1e-9d3b-0f8f0c1c7a11",
                    "template": "Autumn sale",
                    "variables": {"name": {"column": "姓名", "text": "friend"}, "code": {"text": "AUTUMN20"}},
                },
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        asked = NewCampaignSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        status, body = answer_once(
            organisation=request.auth.organisation,
            key=request.headers.get("Idempotency-Key", ""),
            request=repr(sorted(asked.validated_data.items())).encode(),
            is_test=not request.auth.key.is_live,
            act=lambda: (201, _start(request.auth, asked.validated_data)),
        )
        return Response(body, status=status)


class CampaignView(APIView):
    """One campaign."""

    required_scope = {"GET": "campaigns:write"}

    @extend_schema(
        operation_id="get_campaign",
        summary="Get one campaign with its progress",
        responses={200: _answer(CampaignSerializer, "The campaign as it stands now."), **REFUSALS, **NOT_FOUND},
    )
    def get(self, request: Request, id: UUID) -> Response:
        return Response(_body(request.auth.organisation, id))


class _ActView(APIView):
    required_scope = {"POST": "campaigns:write"}
    change: Callable[..., Campaign]

    def post(self, request: Request, id: UUID) -> Response:
        organisation = request.auth.organisation
        type(self).change(organisation=organisation, campaign_id=id)
        return Response(_body(organisation, id))


def _documented(operation: str, summary: str) -> Callable:
    done = _answer(CampaignSerializer, "The campaign as it stands now.")
    responses = {200: done, **_STATE, **REFUSALS, **NOT_FOUND}
    return extend_schema(operation_id=operation, summary=summary, request=None, responses=responses)


class PauseView(_ActView):
    """Hand over no more until it is resumed."""

    change = staticmethod(pause_campaign)

    @_documented("pause_campaign", "Pause: hand over no more until it is resumed")
    def post(self, request: Request, id: UUID) -> Response:
        return super().post(request, id)


class ResumeView(_ActView):
    """Go on where it stopped."""

    change = staticmethod(resume_campaign)

    @_documented("resume_campaign", "Resume: go on where it stopped; nobody is messaged twice")
    def post(self, request: Request, id: UUID) -> Response:
        return super().post(request, id)


class CancelView(_ActView):
    """End it for good."""

    change = staticmethod(cancel_campaign)

    @_documented("cancel_campaign", "Cancel for good: what was not handed over gives its price back")
    def post(self, request: Request, id: UUID) -> Response:
        return super().post(request, id)


@transaction.atomic
def _start(caller: AuthenticatedKey, wanted: dict[str, Any]) -> dict[str, Any]:
    """The started campaign's body.  Whatever is refused leaves nothing behind."""
    organisation = caller.organisation
    version, sender = version_and_sender_named(organisation, wanted["template"], wanted["sender"] or None)
    draft = create_draft(
        organisation=organisation,
        file=file_of(organisation, wanted["file"]),
        by=caller.key.created_by,
        name=wanted["name"],
        is_test=not caller.key.is_live,
    )
    set_message(
        organisation=organisation,
        campaign_id=draft.pk,
        version_id=version.pk,
        sender_id=sender.pk,
        columns={name: value["column"] for name, value in wanted["variables"].items()},
        fixed={name: value["text"] for name, value in wanted["variables"].items()},
    )
    start_campaign(organisation=organisation, campaign_id=draft.pk, starts_at=wanted["starts_at"])
    return _body(organisation, draft.pk)


def _body(organisation: Organisation, id: UUID) -> dict[str, Any]:
    return campaign_body(progress_for(organisation, campaign_of(organisation, id)), organisation.currency)
