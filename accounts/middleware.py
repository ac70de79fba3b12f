"""The tenant around the request: who is at work, for which organisation, in one transaction."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from kit import tenancy
from kit.ids import id_in
from kit.reports import ReportResponse

from . import audit
from .addresses import client_address
from .entrance import step_in

SESSION_KEY = "organisation"
#: Answered without a transaction of ours: they must speak when the database can't.
OUTSIDE = ("/healthz", "/metrics", "/static/")
API = "/api/"
#: Programs and their logs get one language, whatever the machine they run on prefers.
API_LANGUAGE = "en"


class Undone(HttpResponse):
    """What a request did is taken back, and only then is the answer made: `answer()` may read the database again."""

    def __init__(self, answer: Callable[[], HttpResponse], *, status: int) -> None:
        super().__init__(status=status)
        self.answer = answer


class TenancyMiddleware:
    """Runs the request in one transaction in its tenant's scope.  An exception or an answer from 400 up changes nothing.

    * Nobody signed in: a visitor's scope, which shows no tenant's rows.
    * Signed in: the organisation chosen in the session, else the first one; its time zone and the person's language.
      `request.organisation` and `request.membership` are set, both None for a person without a team.
    * Under /api/ only the transaction, in English: the key says whose scope it is (`accounts.api`).
    """

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.organisation = request.membership = None
        request.address = client_address(request)
        if request.path.startswith(OUTSIDE):
            return self.get_response(request)
        with audit.acting(replace(audit.SYSTEM, label="visitor", address=request.address)):
            if request.path.startswith(API):
                return self.answer_api(request)
            return self.answer_console(request)

    def answer_api(self, request: HttpRequest) -> HttpResponse:
        with tenancy.undecided(), translation.override(API_LANGUAGE), timezone.override(None):
            response = self.get_response(request)
            if response.status_code >= 400:
                transaction.set_rollback(True)
        response.headers.setdefault("Content-Language", API_LANGUAGE)
        if response.status_code == 401:
            response.headers.setdefault("WWW-Authenticate", 'Bearer realm="api"')
        return response

    def answer_console(self, request: HttpRequest) -> HttpResponse:
        with translation.override(translation.get_language()), timezone.override(None):
            with person_scope(request):
                response = self.get_response(request)
                if response.status_code >= 400:
                    transaction.set_rollback(True)
            if isinstance(response, Undone):
                with person_scope(request):
                    response = response.answer()
            response.headers.setdefault("Content-Language", translation.get_language())
            if response.streaming and not isinstance(response, ReportResponse):
                response.streaming_content = in_person_scope(request, response.streaming_content)
        return response


@contextmanager
def person_scope(request: HttpRequest) -> Iterator[None]:
    """The scope of whoever is signed in, in the organisation they chose; a visitor's scope for everybody else."""
    user = request.user
    if not user.is_authenticated:
        with tenancy.as_visitor():
            yield
        return
    with tenancy.undecided():
        request.membership = step_in(user, wanted=wanted_by(request))
        request.organisation = request.membership.organisation if request.membership else None
        settle_in(request)
        yield


def wanted_by(request: HttpRequest) -> UUID | None:
    """The organisation the session names; nonsense counts as none."""
    return id_in(request.session.get(SESSION_KEY) or "")


def settle_in(request: HttpRequest) -> None:
    """The person's language and the organisation's time zone, and their name on everything they do."""
    audit.act(audit.person(request.user, address=request.address, request_id=request_id()))
    if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:  # the language switch of this browser comes first
        translation.activate(request.user.locale)
        request.LANGUAGE_CODE = translation.get_language()
    if request.organisation is not None:
        timezone.activate(request.organisation.time_zone)


def request_id() -> str:
    """The id this request has in the logs."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))[:64]


def in_person_scope(request: HttpRequest, content) -> Iterator:
    """A streamed answer is made after the request's transaction has ended: give its reading one of its own."""
    with person_scope(request):
        yield from content
