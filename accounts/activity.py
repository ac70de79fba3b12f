"""When and from where a session was last seen, for its owner's list of sessions."""

import time

from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.http import HttpRequest, HttpResponse

#: A session that goes on as it did is noted so often, by each process: not with every page, which it would keep waiting
#: for a write to disk.
NOTED_EVERY_SECONDS = 60.0
MOST_REMEMBERED = 10_000


class SessionActivityMiddleware:
    """Notes a session's first page, its pages from another address or browser, and one a minute besides."""

    def __init__(self, get_response) -> None:
        self.get_response = get_response
        self.noted: dict[str, tuple[float, tuple[str, ...]]] = {}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.session.session_key and request.user.is_authenticated and self.is_due(request):
            UserSession.objects.create_from_request(request)
        return self.get_response(request)

    def is_due(self, request: HttpRequest) -> bool:
        now, session = time.monotonic(), request.session.session_key
        seen = str(request.user.pk), get_adapter().get_client_ip(request), request.headers.get("User-Agent", "")
        noted_at, noted = self.noted.get(session, (now, None))
        if seen == noted and now - noted_at < NOTED_EVERY_SECONDS:
            return False
        if len(self.noted) >= MOST_REMEMBERED:
            self.noted.clear()
        self.noted[session] = now, seen
        return True
