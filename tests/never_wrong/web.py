"""A real web of a test's own, with clients that send one message a request."""

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings

from kit.tests.racing import race
from portal.stack.ports import HOST, any_free
from tests.chaos.house import wait_until
from tests.never_wrong.beside import Beside, beside
from tests.never_wrong.own_valkey import OwnValkey


@dataclass(frozen=True)
class Web:
    port: int
    process: Beside


@contextmanager
def web(valkey: OwnValkey, application: str = "portal.wsgi:application", **environment: str) -> Iterator[Web]:
    """The web as the house starts it, on this Valkey."""
    port = any_free()
    arguments = (
        "--interface",
        "wsgi",
        "--host",
        HOST,
        "--port",
        str(port),
        "--workers",
        "1",
        "--blocking-threads",
        "8",
    )
    keys = {
        "DJANGO_SETTINGS_MODULE": "portal.settings.dev",
        "SIGNALBOX_SECRET_KEY": settings.SECRET_KEY,
        "SIGNALBOX_FIELD_KEY": ",".join(settings.FIELD_KEYS),
    }
    with beside("-m", "granian", *arguments, application, **valkey.environment, **keys, **environment) as process:
        wait_until(lambda: answers(port), seconds=60, what="the web answers")
        yield Web(port, process)


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


@dataclass(frozen=True)
class Answer:
    seconds: float
    status: int
    retry_after: str | None


def send_from_all(port: int, secret: str, *, clients: int, requests: int) -> list[Answer]:
    """Each client sends one message a request over its own connection; every answer, the quickest first."""
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}

    def client(number: int) -> list[Answer]:
        connection = http.client.HTTPConnection(HOST, port, timeout=30)
        found = []
        for place in range(requests):
            message = {"to": f"+44791112{number}{place:03d}", "variables": {"name": "Ada"}}
            body = json.dumps({"template": "Ready", "messages": [message]})
            began = time.monotonic()
            connection.request("POST", "/api/v1/messages", body, headers)
            answer = connection.getresponse()
            answer.read()
            found.append(Answer(time.monotonic() - began, answer.status, answer.headers.get("Retry-After")))
        connection.close()
        return found

    found = [one for several in race(client, threads=clients) for one in several]
    return sorted(found, key=lambda one: one.seconds)


def p95(found: list[Answer]) -> float:
    return found[int(len(found) * 0.95)].seconds
