"""Somebody at the door: signed in to the console, or with a key, over one kept-alive connection."""

import http.client
import re
import time
from dataclasses import dataclass
from urllib.parse import urlencode

from bench.house import WentWrong

KEPT_ALIVE_SECONDS = 10


@dataclass(frozen=True)
class Answer:
    """One answer and how many seconds it took."""

    status: int
    body: bytes
    seconds: float


class Visitor:
    """Asks one thing after the other, keeping its cookies."""

    def __init__(self, port: int, headers: dict[str, str] | None = None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = headers or {}
        self._cookies: dict[str, str] = {}
        self._asked = 0.0

    def ask(self, path: str, *, form: dict[str, str] | None = None, body: bytes | None = None) -> Answer:
        headers = dict(self._headers)
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        if form is not None:
            body, headers["Content-Type"] = urlencode(form), "application/x-www-form-urlencoded"
        if time.monotonic() - self._asked > KEPT_ALIVE_SECONDS:
            self._connection.close()  # the house has closed its side by now
        self._asked = time.monotonic()
        began = time.perf_counter()
        self._connection.request("GET" if body is None else "POST", path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        seconds = time.perf_counter() - began
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self._cookies[key] = rest.partition(";")[0]
        return Answer(answer.status, text, seconds)

    def sign_in(self, email: str, password: str) -> None:
        """Through the form, as a person does.  Raises WentWrong when the house does not let them in."""
        page = self.ask("/accounts/login/").body.decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        if token is None:
            raise WentWrong("the sign-in page has no form")
        answer = self.ask(
            "/accounts/login/", form={"csrfmiddlewaretoken": token[1], "login": email, "password": password}
        )
        if answer.status != 302:
            raise WentWrong(f"{email} was not let in: {answer.status}")
