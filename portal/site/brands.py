"""Under which host name the browser found us."""

from django.http import HttpRequest


def host_of(request: HttpRequest) -> str:
    return request.get_host().rsplit(":", 1)[0].lower()
