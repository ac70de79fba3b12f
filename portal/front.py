"""What stands before Django: requests that send one message each go together, everything else goes its usual way.

A request costs Django some milliseconds and the database a transaction, however little it asks for.  Those that one caller
has under way at the same moment are therefore accepted as one (messaging.engine.api.together).  What can't be answered
with a plain 202 is handed on, and Django answers it as if nobody had looked.
"""

import io
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from time import perf_counter
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.wsgi import WSGIRequest
from django.db import InterfaceError, OperationalError, close_old_connections, connections
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import reverse

from accounts.addresses import client_address
from kit.errors import DomainError
from kit.gathering import Gatherer
from messaging.engine.api.requests import read_request
from messaging.engine.api.sending import COUNTED, FAILED
from messaging.engine.api.together import Caller, Single, accept_together
from portal.operations.metrics.http import BEGAN, duration_of

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

#: Django has so many threads of its own, and each keeps one connection to the database.  The server's threads, of which
#: there are many more, wait for these and keep none.
DJANGO_AT_ONCE = 8
MOST_TOGETHER = 100
#: So many callers' groups at once: one may have to wait for a lock that a batch of theirs holds.
GATHERING_THREADS = 4
#: A caller with several requests under way has most of them in the next group when it is waited for this long.
PAUSE_SECONDS = 0.015
LARGEST_SINGLE_BYTES = 16 * 1024
ACCEPTED = "202 Accepted"
LOST = (OperationalError, InterfaceError)
#: PostgreSQL's classes of errors that end a connection: connection exception, operator intervention.
CONNECTION_CLASSES = ("08", "57P")
#: Headers that say something of one answer, or to one caller, and so are never given to another.
OF_ONE_ANSWER = frozenset({"content-length", "set-cookie"})


class Stream:
    """An answer that is written while it is sent, by a thread that keeps no connection afterwards."""

    def __init__(self, answer: StreamingHttpResponse) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._answer)

    def close(self) -> None:
        self._answer.close()
        connections.close_all()


class Front:
    """The WSGI application of the house, around Django's."""

    def __init__(self, django: Callable[[Environ, StartResponse], Iterable[bytes]]) -> None:
        self._django = django
        self._room = ThreadPoolExecutor(DJANGO_AT_ONCE, thread_name_prefix="django")
        self._gatherer: Gatherer[Caller, Single, bytes | None] = Gatherer(
            _accept_together,
            # No more than a caller's limit holds at once: a group never counts as less than it is (kit.limits).
            most=max(1, min(MOST_TOGETHER, settings.API_REQUESTS_PER_SECOND, settings.API_MESSAGES_PER_SECOND)),
            threads=GATHERING_THREADS,
            name="together",
            pause_seconds=PAUSE_SECONDS,
        )
        self._path = reverse("api:messages")
        #: What goes with an answer, by the scheme of the request.
        self._headers: dict[str, list[tuple[str, str]]] = {}

    def __call__(self, wsgi: Environ, start_response: StartResponse) -> Iterable[bytes]:
        began = wsgi[BEGAN] = perf_counter()  # the wait for a group, or for a thread of Django's, counts too
        if wsgi["REQUEST_METHOD"] != "POST" or wsgi["PATH_INFO"] != self._path:
            return self._ask_django(wsgi, start_response)
        headers = self._headers.get(wsgi["wsgi.url_scheme"])
        if headers is None:
            return self._ask_django(wsgi, self._learning_headers(wsgi["wsgi.url_scheme"], start_response))
        answer = self._answer(wsgi)
        if answer is None:
            return self._ask_django(wsgi, start_response)
        duration_of("api:messages", "POST", 202).observe(perf_counter() - began)
        start_response(ACCEPTED, [*headers, ("Content-Length", str(len(answer)))])
        return [answer]

    def close(self) -> None:
        """End its threads and their connections to the database."""
        self._gatherer.close(connections.close_all)
        together = Barrier(DJANGO_AT_ONCE)
        for _thread in range(DJANGO_AT_ONCE):
            self._room.submit(_leave, together)
        self._room.shutdown()

    def _ask_django(self, wsgi: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return self._room.submit(self._whole_answer, wsgi, start_response).result()

    def _whole_answer(self, wsgi: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Django's answer with its body; one that is written while it is sent stays Django's."""
        answer = self._django(wsgi, start_response)
        if getattr(answer, "streaming", False):
            return Stream(answer)
        try:
            return [b"".join(answer)]
        finally:
            if hasattr(answer, "close"):
                answer.close()

    def _learning_headers(self, scheme: str, start_response: StartResponse) -> StartResponse:
        """The first message's answer shows which headers the house's middleware gives; the same for all that follow."""

        def learn(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            if status == ACCEPTED:
                self._headers[scheme] = [header for header in headers if header[0].lower() not in OF_ONE_ANSWER]
            return start_response(status, headers, *rest)

        return learn

    def _answer(self, wsgi: Environ) -> bytes | None:
        """The answer to a single message; None for anything else, and for one that has to be asked alone."""
        asked = read_single(wsgi)
        if asked is None:
            return None
        caller, single = asked
        try:
            answer = self._gatherer.ask(caller, single)
        except Exception as error:
            if _is_in_doubt(error):  # Django has the words for it, and writes it down
                wsgi[FAILED] = error
            answer = None  # nothing was done: alone, it may do better
        if answer is None and single.is_counted:
            wsgi[COUNTED] = True
        return answer


def _accept_together(caller: Caller, singles: list[Single]) -> list[bytes | None]:
    """The same with what Django does for the connection around each request."""
    close_old_connections()
    try:
        return accept_together(caller, singles)
    finally:
        close_old_connections()


def _leave(together: Barrier) -> None:
    """One thread's part: the barrier sees to it that each has its own."""
    together.wait()
    connections.close_all()


def _is_in_doubt(error: Exception) -> bool:
    """Whether what failed may have been done all the same: the connection was lost, perhaps after the commit."""
    sqlstate = getattr(error.__cause__, "sqlstate", None) or ""
    return isinstance(error, LOST) and (not sqlstate or sqlstate.startswith(CONNECTION_CLASSES))


def read_single(wsgi: Environ) -> tuple[Caller, Single] | None:
    """Who asks for which one message; None when the request is another or anything about it is not as it should be.

    What was read is put back, for whoever reads the request next.
    """
    scheme, _, secret = wsgi.get("HTTP_AUTHORIZATION", "").partition(" ")
    length = wsgi.get("CONTENT_LENGTH") or ""
    if scheme.lower() != "bearer" or not length.isdecimal() or int(length) > LARGEST_SINGLE_BYTES:
        return None
    request = WSGIRequest(wsgi)
    if not _is_welcome(request):
        return None
    body = wsgi["wsgi.input"].read(int(length))
    wsgi["wsgi.input"] = io.BytesIO(body)
    try:
        wanted = read_request(body)
    except DomainError:
        return None
    if len(wanted.recipients) != 1:
        return None
    single = Single(
        wanted, body, key=wsgi.get("HTTP_IDEMPOTENCY_KEY", ""), request_id=wsgi.get("HTTP_X_REQUEST_ID", "")[:64]
    )
    return Caller(secret.strip(), client_address(request)), single


def _is_welcome(request: HttpRequest) -> bool:
    """Whether it came to a host of ours, encrypted where that is asked for."""
    try:
        request.get_host()
    except DisallowedHost:
        return False
    return request.is_secure() or not settings.SECURE_SSL_REDIRECT
