"""/api/v1/templates and /api/v1/senders"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.pricing.models import Category
from kit.errors import Invalid

from . import queries
from .actions import create_template, submit_version
from .models import MessageTemplate, SenderId, TemplateVersion
from .rules.variables import LONGEST_BODY

A_PAGE = 100


class VariableSerializer(serializers.Serializer):
    """What a `{name}` in the text takes."""

    name = serializers.CharField(max_length=40)
    type = serializers.ChoiceField(["text", "number", "code", "date", "amount", "link"], default="text")
    example = serializers.CharField(max_length=500)
    max_length = serializers.IntegerField(min_value=1, max_value=500, default=20)


class NewTemplateSerializer(serializers.Serializer):
    name = serializers.CharField(max_length=80)
    category = serializers.ChoiceField(Category.choices)
    text = serializers.CharField(max_length=LONGEST_BODY, trim_whitespace=False)
    variables = VariableSerializer(many=True, default=list)


class VersionSerializer(serializers.Serializer):
    """One wording; `reasons` says why it was rejected."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    text = serializers.CharField()
    variables = VariableSerializer(many=True)
    status = serializers.CharField()
    reasons = serializers.ListField(child=serializers.CharField())


class TemplateSerializer(serializers.Serializer):
    """`latest` is the version last written, `approved` the one that is sent, if there is one."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    category = serializers.CharField()
    latest = VersionSerializer()
    approved = VersionSerializer(allow_null=True)


class TemplatePageSerializer(serializers.Serializer):
    templates = TemplateSerializer(many=True)
    next = serializers.UUIDField(allow_null=True)


class SenderSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.CharField()
    status = serializers.CharField()


class SenderListSerializer(serializers.Serializer):
    senders = SenderSerializer(many=True)


_REFUSED = OpenApiResponse(OpenApiTypes.OBJECT, description='{"error": {"code", "message", "details"}}')
_REFUSALS = {401: _REFUSED, 403: _REFUSED}


class TemplatesView(APIView):
    """List templates, and submit new ones."""

    required_scope = {"GET": "templates:read", "POST": "templates:write"}  # noqa: RUF012

    @extend_schema(
        operation_id="list_templates",
        summary="List templates, newest first",
        parameters=[OpenApiParameter("cursor", OpenApiTypes.UUID, description="`next` of the page before.")],
        responses={200: TemplatePageSerializer, 422: _REFUSED, **_REFUSALS},
    )
    def get(self, request: Request) -> Response:
        templates = queries.templates_of(request.auth.organisation).order_by("-id")
        if cursor := request.query_params.get("cursor"):
            templates = templates.filter(pk__lt=_id(cursor))
        page = list(templates[: A_PAGE + 1])
        following = str(page[A_PAGE - 1].pk) if len(page) > A_PAGE else None
        return Response({"templates": [template_body(one) for one in page[:A_PAGE]], "next": following})

    @extend_schema(
        operation_id="submit_template",
        summary="Submit a new template for review",
        request=NewTemplateSerializer,
        responses={201: TemplateSerializer, 422: _REFUSED, **_REFUSALS},
    )
    def post(self, request: Request) -> Response:
        form = NewTemplateSerializer(data=request.data)
        if not form.is_valid():
            raise Invalid(fields=form.errors)
        fields, organisation, author = form.validated_data, request.auth.organisation, request.auth.key.created_by
        with naming("body", "text"):
            version = create_template(
                organisation=organisation,
                name=fields["name"],
                category=fields["category"],
                body=fields["text"],
                variables=fields["variables"],
                author=author,
            )
        submit_version(version=version, by=author)
        template = queries.template_with_versions(organisation, version.template_id)
        return Response(template_body(template), status=201)


class TemplateView(APIView):
    """One template."""

    required_scope = {"GET": "templates:read"}  # noqa: RUF012

    @extend_schema(
        operation_id="get_template",
        summary="Get one template",
        responses={200: TemplateSerializer, 404: _REFUSED, **_REFUSALS},
    )
    def get(self, request: Request, id: UUID) -> Response:
        return Response(template_body(queries.template_with_versions(request.auth.organisation, id)))


class SendersView(APIView):
    """The names messages can come from."""

    required_scope = {"GET": "templates:read"}  # noqa: RUF012

    @extend_schema(
        operation_id="list_senders", summary="List senders", responses={200: SenderListSerializer, **_REFUSALS}
    )
    def get(self, request: Request) -> Response:
        senders = queries.senders_of(request.auth.organisation)
        return Response({"senders": [sender_body(sender) for sender in senders]})


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
        "latest": version_body(template.latest),
        "approved": version_body(live) if live else None,
    }


def version_body(version: TemplateVersion) -> dict[str, Any]:
    rejection = version.rejection
    return {
        "id": str(version.pk),
        "number": version.number,
        "text": version.body,
        "variables": version.variables,
        "status": version.status,
        "reasons": rejection.reasons if rejection else [],
    }


def sender_body(sender: SenderId) -> dict[str, Any]:
    return {"id": str(sender.pk), "name": sender.name, "kind": sender.kind, "status": sender.status}


def _id(typed: str) -> UUID:
    try:
        return UUID(typed)
    except ValueError:
        raise Invalid(fields={"cursor": "This is not a cursor of ours."}) from None
