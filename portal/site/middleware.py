"""What a person or a machine is told when something is refused, or when the database or the cache is away."""

import sys
from functools import partial
from urllib.parse import urlsplit

from django.contrib import messages
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from redis.exceptions import ConnectionError as CacheAway
from redis.exceptions import TimeoutError as CacheSlow

from accounts.middleware import API, Undone
from accounts.models.access import RoleChoices
from kit.api import RETRY_AFTER_SECONDS, as_refusal, body_of, error_body, headers_of
from kit.errors import DomainError, NotAllowed, NotFound
from kit.htmx import is_fragment, toast

STORE_AWAY = (OperationalError, InterfaceError, CacheAway, CacheSlow)
#: PostgreSQL's words for a standby that takes no writes yet, and for a session it ended because it had been idle.
COME_AGAIN = {"25006", "25P03"}


class DatabaseTroubleMiddleware:
    """Answers 503 with Retry-After while PostgreSQL or Valkey is away: all or nothing was done, and with an
    Idempotency-Key trying again is safe.

    A broken connection is dropped, so that the next request opens a new one.
    """

    def __init__(self, get_response) -> None:
        self.get_response = get_response
        got_request_exception.connect(note_trouble, dispatch_uid="site.note_trouble")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 500 and getattr(request, "store_is_away", False):
            return unavailable(request)
        return response


def note_trouble(sender, request: HttpRequest | None = None, **kwargs) -> None:
    """Remember why a request failed: by the time the outermost middleware sees it, the exception is a plain 500."""
    if request is not None and is_store_away(sys.exc_info()[1]):
        request.store_is_away = True


def is_store_away(error: BaseException | None) -> bool:
    return isinstance(error, STORE_AWAY) or getattr(error.__cause__, "sqlstate", None) in COME_AGAIN


def unavailable(request: HttpRequest) -> HttpResponse:
    if not connection.in_atomic_block:
        connection.close()
    if request.path.startswith(API):
        text = _(
            "The service is restarting. Try again in a few seconds; under the same Idempotency-Key nothing is sent twice."
        )
        response = JsonResponse(error_body("unavailable", text), status=503)
    else:
        response = HttpResponse(render_to_string("503.html"), status=503)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


class RefusalMiddleware:
    """Turns a DomainError raised by a page or by a plain API view into an answer; what the request did is undone."""

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if request.path.startswith(API):
            return api_refusal(error)
        if isinstance(error, NotFound):
            raise Http404 from error
        if isinstance(error, DomainError):
            return Undone(partial(console_refusal, request, error), status=error.status)
        return None


def api_refusal(error: Exception) -> HttpResponse | None:
    refusal = as_refusal(error)
    if refusal is None:
        return None
    return JsonResponse(body_of(refusal), status=refusal.status, headers=headers_of(refusal))


def console_refusal(request: HttpRequest, error: DomainError) -> HttpResponse:
    """htmx: a toast.  A form: back to its page with a message.  Else a page of its own."""
    if is_fragment(request):
        response = HttpResponse(status=422)
        response.headers["HX-Reswap"] = "none"
        return toast(response, error.message, tone="bad")
    came_from = page_before(request)
    if request.method == "POST" and came_from and not isinstance(error, NotAllowed):
        messages.error(request, error.message)
        return HttpResponseRedirect(came_from, status=303)
    roles = [RoleChoices(role).label for role in error.details.get("roles", ())]
    return render(request, "accounts/refused.html", {"error": error, "roles": roles}, status=error.status)


def page_before(request: HttpRequest) -> str | None:
    """The page of ours that a form was sent from."""
    referer = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(referer, {request.get_host()}, require_https=request.is_secure()):
        return None
    parts = urlsplit(referer)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
