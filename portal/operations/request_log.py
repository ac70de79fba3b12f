"""One line a request in the log, and what every other line of it carries: its id, who asked and from where."""

import structlog
from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware

from accounts.addresses import client_address


class RequestLogMiddleware(RequestMiddleware):
    """django-structlog's, which takes the caller's word for the address (X-Forwarded-For, whoever sent it)."""

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        structlog.contextvars.bind_contextvars(ip=client_address(request))
