"""The shape every API error has, {"error": {"code", "message", "details"}}, and how amounts and instants are written."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404
from django.utils.encoding import force_str
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import set_rollback

from kit.errors import DomainError, Invalid, NotFound, TooLarge
from kit.money import units

#: After how many seconds to come again, when nothing better is known.
RETRY_AFTER_SECONDS = 5


def amount(micros: int) -> str:
    """An amount in currency units with all its decimals, as text: money is never a float."""
    return f"{units(micros):.6f}".rstrip("0").rstrip(".") or "0"


def instant(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None


def error_body(code: str, message: Any, details: Mapping[str, Any] | None = None) -> dict:
    return {"error": {"code": code, "message": force_str(message), "details": dict(details or {})}}


def body_of(error: DomainError) -> dict:
    return error_body(error.code, error.message, error.details)


def headers_of(error: DomainError) -> dict[str, str]:
    """Whoever comes too often or at a bad moment is told when to come again."""
    wait = error.details.get("retry_after", RETRY_AFTER_SECONDS if error.status == 503 else None)
    return {} if wait is None else {"Retry-After": str(wait)}


def as_refusal(error: Exception) -> DomainError | None:
    """The refusal an exception of the framework amounts to; None when it is none of ours to answer."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, (Http404, exceptions.NotFound)):
        return NotFound()
    if isinstance(error, RequestDataTooBig):
        return TooLarge(limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    if isinstance(error, exceptions.ParseError):
        return Invalid(fields={"": force_str(error.detail)})
    if isinstance(error, exceptions.ValidationError):
        return Invalid(fields=_fields(error.detail))
    return None


def answer_refusal(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Django REST framework's exception handler: a refusal becomes an answer, anything else stays an exception."""
    if refusal := as_refusal(error):
        set_rollback()
        return Response(body_of(refusal), status=refusal.status, headers=headers_of(refusal))
    if not isinstance(error, exceptions.APIException):
        return None
    set_rollback()
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    return Response(error_body(error.default_code, error.detail), status=error.status_code, headers=headers)


def _fields(detail: Any, path: str = "") -> dict[str, str]:
    """Each field's problem as one sentence, fields within fields as `variables[2].name`."""
    if isinstance(detail, Mapping):
        found: dict[str, str] = {}
        for name, inner in detail.items():
            found |= _fields(inner, path if name == api_settings.NON_FIELD_ERRORS_KEY else _within(path, name))
        return found
    if isinstance(detail, list) and any(isinstance(inner, (Mapping, list)) for inner in detail):
        found = {}
        for position, inner in enumerate(detail):
            found |= _fields(inner, f"{path}[{position}]")
        return found
    sentences = detail if isinstance(detail, list) else [detail]
    return {path: " ".join(force_str(one) for one in sentences) or _("This can't be used.")} if sentences else {}


def _within(path: str, name: Any) -> str:
    """Rows of a list come as a mapping from their position."""
    if isinstance(name, int):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else str(name)
