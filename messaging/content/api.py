"""/api/v1/templates and /api/v1/senders"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Organisation
from billing.pricing.models import Category
from kit.api import instant
from kit.api.reading import read_page
from kit.api.schema import NOT_FOUND, PAGING, REFUSALS, WRITING
from kit.errors import Invalid

from .actions import create_template, submit_version
from .models import MessageTemplate, ReviewStatus, SenderId, TemplateVersion
from .queries import senders_of, template_with_versions, templates_of
from .reasons import REASONS
from .rules.variables import LONGEST_BODY, LONGEST_NAME, LONGEST_VALUE, MOST_VARIABLES, VariableType
from .wording import USUAL_LIMIT


class VariableSerializer(serializers.Serializer):
    """What is put in the place of `{name}`.  The example is what a reviewer reads."""

    name = serializers.CharField(max_length=LONGEST_NAME)
    type = serializers.ChoiceField(VariableType.__args__, default="text")
    example = serializers.CharField(max_length=LONGEST_VALUE)
    max_length = serializers.IntegerField(min_value=1, max_value=LONGEST_VALUE, default=USUAL_LIMIT)


class NewTemplateSerializer(serializers.Serializer):
    """A template to be reviewed.  Every `{name}` in the text is described in `variables`."""

    name = serializers.CharField(max_length=80)
    category = serializers.ChoiceField(Category.choices)
    text = serializers.CharField(max_length=LONGEST_BODY, trim_whitespace=False)
    variables = VariableSerializer(many=True, required=False, max_length=MOST_VARIABLES)


class VersionSerializer(serializers.Serializer):
    """One wording.  Only an approved one can be sent; its text never changes."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    status = serializers.ChoiceField(ReviewStatus.choices)
    text = serializers.CharField()
    variables = VariableSerializer(many=True)
    created_at = serializers.DateTimeField()
    submitted_at = serializers.DateTimeField(allow_null=True)
    approved_at = serializers.DateTimeField(allow_null=True)
    reasons = serializers.ListField(child=serializers.ChoiceField(list(REASONS)), help_text="why it was rejected")
    note = serializers.CharField(allow_blank=True, help_text="the reviewer's own words")


class TemplateSerializer(serializers.Serializer):
    """Wording with a name.  `approved` is what a message that names the template is sent with, if there is one;
    `latest` is the version last written."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    category = serializers.ChoiceField(Category.choices)
    is_archived = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    latest = VersionSerializer()
    approved = VersionSerializer(allow_null=True)


class TemplateWithVersionsSerializer(TemplateSerializer):
    versions = VersionSerializer(many=True)


class TemplatePageSerializer(serializers.Serializer):
    """One page of templates, newest first."""

    templates = TemplateSerializer(many=True)
    next = serializers.UUIDField(allow_null=True, help_text="Give it as `cursor` for the next page; null on the last.")


class SenderSerializer(serializers.Serializer):
    """What the handset shows as “from”.  Only an approved one can be used."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(SenderId.Kind.choices)
    status = serializers.ChoiceField(ReviewStatus.choices)
    purpose = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()


class SenderPageSerializer(serializers.Serializer):
    """One page of senders, newest first."""

    senders = SenderSerializer(many=True)
    next = serializers.UUIDField(allow_null=True, help_text="Give it as `cursor` for the next page; null on the last.")


_VARIABLE = {"name": "name", "type": "text", "example": "Ada", "max_length": 20}
_NEW = {
    "name": "Parcel ready",
    "category": "notice",
    "text": "Hello {name}, your parcel is ready to collect.",
    "variables": [_VARIABLE],
}
_VERSION = {
    "id": "019aab34-3df7-7d1e-9d3b-0f8f0c1c7a11",
    "number": 1,
    "status": "submitted",
    "text": _NEW["text"],
    "variables": [_VARIABLE],
    "created_at": "2026-11-22T15:12:00.000Z",
    "submitted_at": "2026-11-22T15:12:00.000Z",
    "approved_at": None,
    "reasons": [],
    "note": "",
}
_SUMMARY = {
    "id": "019aab34-3df4-7cc3-a86c-96d33b5a1c52",
    "name": _NEW["name"],
    "category": "notice",
    "is_archived": False,
    "created_at": "2026-11-22T15:12:00.000Z",
    "latest": _VERSION,
    "approved": None,
}
_WHOLE = {**_SUMMARY, "versions": [_VERSION]}
_SENDER = {
    "id": "019aab34-4a10-7b52-8f0e-1d8c93a6be02",
    "name": "Meadowlark",
    "kind": "alphanumeric",
    "status": "approved",
    "purpose": "Orders and deliveries",
    "created_at": "2026-11-22T15:10:00.000Z",
}


def _answer(serializer: type[serializers.Serializer], why: str, example: Any) -> OpenApiResponse:
    return OpenApiResponse(serializer, description=why, examples=[OpenApiExample(why, example, response_only=True)])


class TemplatesView(APIView):
    """List templates, and submit new ones for review."""

    required_scope = {"GET": "templates:read", "POST": "templates:write"}

    @extend_schema(
        operation_id="list_templates",
        summary="List templates, newest first",
        parameters=PAGING,
        responses={
            200: _answer(TemplatePageSerializer, "One page of templates.", {"templates": [_SUMMARY], "next": None}),
            **REFUSALS,
        },
    )
    def get(self, request: Request) -> Response:
        page = read_page(templates_of(request.auth.organisation), request.query_params)
        return Response({"templates": [template_body(template) for template in page.rows], "next": page.next})

    @extend_schema(
        operation_id="create_template",
        summary="Make a template and submit it for review",
        description="A person decides about it; until then its status is `submitted` and it can't be sent.",
        request=NewTemplateSerializer,
        responses={
            201: _answer(TemplateWithVersionsSerializer, "Made and submitted.", _WHOLE),
            **REFUSALS,
            **WRITING,
        },
        examples=[OpenApiExample("A notice", _NEW, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        asked = NewTemplateSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        organisation, author = request.auth.organisation, request.auth.key.created_by
        wanted = asked.validated_data
        with transaction.atomic(), naming("body", "text"):
            version = create_template(
                organisation=organisation, author=author, body=wanted.pop("text"), **{"variables": [], **wanted}
            )
            submit_version(version=version, by=author)
        return Response(_with_versions(organisation, version.template_id), status=201)


class TemplateView(APIView):
    """One template."""

    required_scope = {"GET": "templates:read"}

    @extend_schema(
        operation_id="get_template",
        summary="Get one template with its versions",
        responses={
            200: _answer(TemplateWithVersionsSerializer, "The template as it stands now.", _WHOLE),
            **REFUSALS,
            **NOT_FOUND,
        },
    )
    def get(self, request: Request, id: UUID) -> Response:
        return Response(_with_versions(request.auth.organisation, id))


class SendersView(APIView):
    """The senders messages can carry."""

    required_scope = {"GET": "templates:read"}

    @extend_schema(
        operation_id="list_senders",
        summary="List senders, newest first",
        parameters=PAGING,
        responses={
            200: _answer(SenderPageSerializer, "One page of senders.", {"senders": [_SENDER], "next": None}),
            **REFUSALS,
        },
    )
    def get(self, request: Request) -> Response:
        page = read_page(senders_of(request.auth.organisation), request.query_params)
        return Response({"senders": [sender_body(sender) for sender in page.rows], "next": page.next})


@contextmanager
def naming(ours: str, theirs: str) -> Iterator[None]:
    """Let a refusal name a field as the API calls it."""
    try:
        yield
    except Invalid as refusal:
        fields = {theirs if name == ours else name: problem for name, problem in refusal.details["fields"].items()}
        raise Invalid(**{**refusal.details, "fields": fields}) from None


def template_body(template: MessageTemplate) -> dict[str, Any]:
    live = template.live
    return {
        "id": str(template.pk),
        "name": template.name,
        "category": template.category,
        "is_archived": template.archived_at is not None,
        "created_at": instant(template.created_at),
        "latest": version_body(template.latest),
        "approved": version_body(live) if live else None,
    }


def version_body(version: TemplateVersion) -> dict[str, Any]:
    rejection = version.rejection
    return {
        "id": str(version.pk),
        "number": version.number,
        "status": version.status,
        "text": version.body,
        "variables": version.variables,
        "created_at": instant(version.created_at),
        "submitted_at": instant(version.submitted_at),
        "approved_at": instant(version.approved_at),
        "reasons": rejection.reasons if rejection else [],
        "note": rejection.note if rejection else "",
    }


def sender_body(sender: SenderId) -> dict[str, Any]:
    return {
        "id": str(sender.pk),
        "name": sender.name,
        "kind": sender.kind,
        "status": sender.status,
        "purpose": sender.purpose,
        "created_at": instant(sender.created_at),
    }


def _with_versions(organisation: Organisation, id: UUID) -> dict[str, Any]:
    template = template_with_versions(organisation, id)
    versions = sorted(template.versions.all(), key=lambda version: version.number, reverse=True)
    return {**template_body(template), "versions": [version_body(version) for version in versions]}
