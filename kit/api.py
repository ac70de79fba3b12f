"""The shape every API error has: {"error": {"code", "message", "details"}}."""

from collections.abc import Mapping
from typing import Any

from django.http import Http404
from django.utils.encoding import force_str
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from .errors import DomainError, NotFound


def error_body(code: str, message: Any, details: Mapping[str, Any] | None = None) -> dict:
    return {"error": {"code": code, "message": force_str(message), "details": dict(details or {})}}


def body_of(error: DomainError) -> dict:
    return error_body(error.code, error.message, error.details)


def answer_refusal(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Django REST framework's exception handler: a refusal becomes an answer, anything else stays an exception."""
    if isinstance(error, Http404):
        error = NotFound()
    if isinstance(error, DomainError):
        set_rollback()
        return Response(body_of(error), status=error.status)
    if not isinstance(error, exceptions.APIException):
        return None
    set_rollback()
    headers = {}
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    return Response(_framework_body(error), status=error.status_code, headers=headers)


def _framework_body(error: exceptions.APIException) -> dict:
    if isinstance(error, exceptions.ValidationError):
        return error_body("invalid", "Some of what was sent can't be used.", {"fields": error.detail})
    return error_body(error.default_code, force_str(error.detail))
