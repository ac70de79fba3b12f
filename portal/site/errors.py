"""The last answers: JSON under /api/, a page elsewhere."""

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.template import loader
from django.utils.translation import gettext as _
from django.views import defaults

from accounts.middleware import API
from kit.api import as_refusal, body_of, error_body
from kit.errors import NotAllowed, NotFound


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(API):
        if refusal := as_refusal(exception):  # such as a body that is too large
            return JsonResponse(body_of(refusal), status=refusal.status)
        return JsonResponse(error_body("bad_request", _("This request can't be read.")), status=400)
    # Without the request: the shell around a page asks for its host, which may be just what is wrong with it.
    return HttpResponseBadRequest(loader.render_to_string("400.html"))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(API):
        return JsonResponse(body_of(NotAllowed()), status=403)
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(API):
        return JsonResponse(body_of(NotFound()), status=404)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if request.path.startswith(API):
        text = _("Something went wrong on our side. It was recorded; nothing was sent or charged.")
        return JsonResponse(error_body("internal", text), status=500)
    return defaults.server_error(request)
