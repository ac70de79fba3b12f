"""The door: HTTP on loopback, `/v1` for programs and `/c/pay` for buyers."""

import base64
import binascii
import json
import logging
import re
import secrets
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote, urlsplit

from . import page
from .cards import FieldProblem, read_form
from .errors import StripeError
from .forms import decode
from .payment import Challenged
from .sandbox import Request, Sandbox
from .store import Entry

log = logging.getLogger("stripe_sandbox")

LARGEST_BODY = 1_000_000
OUR_NAMES = {"127.0.0.1", "localhost"}
API_PATH = re.compile(r"/v1(/[A-Za-z0-9_-]+)+")
PAGE_PATH = re.compile(r"/c/pay/(cs_test_[0-9a-f]+)(/challenge)?")


class Server(ThreadingHTTPServer):
    """Listens on 127.0.0.1 and on nothing else."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *, port: int, sandbox: Sandbox) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.sandbox = sandbox
        self.base_url = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "stripe-sandbox", ""
    timeout = 30

    def do_GET(self) -> None:
        self._handle(b"")

    def do_DELETE(self) -> None:
        self._handle(b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length[:12]) > LARGEST_BODY:
            self.close_connection = True
            self._json(413 if length else 411, StripeError("The request body is missing or too large.").body)
        else:
            self._handle(self.rfile.read(int(length)))

    def log_message(self, *_: Any) -> None:
        """Requests are not logged: what matters (webhooks that were not taken) is logged where it happens."""

    def _handle(self, raw: bytes) -> None:
        try:
            self._dispatch(raw)
        except StripeError as problem:
            self._json(problem.status, problem.body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        except Exception:
            log.exception("%s %s failed", self.command, urlsplit(self.path).path)
            self._json(500, StripeError("The sandbox failed.", kind="api_error").body)

    def _dispatch(self, raw: bytes) -> None:
        # A page on the internet can point a name of its own at 127.0.0.1; its requests arrive under that name.
        if self.headers.get("Host", "").rpartition(":")[0] not in OUR_NAMES:
            raise StripeError("The sandbox answers to 127.0.0.1 and localhost only.", status=421)
        parts = urlsplit(self.path)
        if parts.path == "/healthz":
            self.server.sandbox.backend.start()
            return self._json(200, {"status": "ok"})
        if API_PATH.fullmatch(parts.path):
            return self._api(parts.path, parts.query, raw)
        if found := PAGE_PATH.fullmatch(parts.path):
            return self._pay(found[1], parts.query, raw, challenge=bool(found[2]))
        return self._json(404, StripeError(f"Unrecognized request URL ({parts.path[:200]}).", status=404).body)

    def _api(self, path: str, query: str, raw: bytes) -> None:
        self._check_key()
        params = decode(raw if self.command == "POST" else query.encode())
        request = Request(self.command, path, params, query, self.headers.get("Idempotency-Key"))
        status, body, replayed = self.server.sandbox.answer(request)
        self._json(status, body, **({"Idempotent-Replayed": "true"} if replayed else {}))

    def _check_key(self) -> None:
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                value = base64.b64decode(value, validate=True).decode("ascii").partition(":")[0]
            except (binascii.Error, UnicodeDecodeError):
                value = ""
        if not re.fullmatch(r"(sk|rk)_test_[A-Za-z0-9_]+", value):
            raise StripeError(
                "Invalid API Key provided. The sandbox takes any test key (sk_test_…), never a live one.", status=401
            )

    def _pay(self, id: str, query: str, raw: bytes, *, challenge: bool) -> None:
        sandbox = self.server.sandbox
        with sandbox.lock:
            try:
                entry = sandbox.checkout.entry(id)
            except StripeError:
                return self._html(404, page.plain_page("Page not found", "There is no such payment session."))
            if entry.body["status"] != "open":
                return self._html(200, page.closed_page(entry.body))
            if challenge:
                return self._challenge(entry, raw)
            if self.command == "POST":
                return self._try_card(entry, {name: str(value) for name, value in decode(raw).items()})
        return self._form(entry, page.prefilled(str(decode(query.encode()).get("card", ""))))

    def _try_card(self, entry: Entry, form: dict[str, str]) -> None:
        try:
            outcome = self.server.sandbox.payments.pay(entry, read_form(form))
        except FieldProblem as problem:
            return self._form(entry, form, problem=problem.message, wrong_field=problem.field)
        except StripeError as problem:
            return self._form(entry, form, problem=problem.message)
        if isinstance(outcome, Challenged):
            return self._redirect(f"/c/pay/{entry.body['id']}/challenge")
        return self._thank(entry)

    def _challenge(self, entry: Entry, raw: bytes) -> None:
        if not entry.private.get("challenge"):
            return self._redirect(f"/c/pay/{entry.body['id']}")
        if self.command != "POST":
            return self._html(200, page.challenge_page(entry.body))
        try:
            self.server.sandbox.payments.answer_challenge(entry, passed=decode(raw).get("answer") == "pass")
        except StripeError as problem:
            return self._form(entry, {}, problem=problem.message)
        return self._thank(entry)

    def _form(self, entry: Entry, form: dict[str, str], *, problem: str = "", wrong_field: str = "") -> None:
        filled = {"email": entry.body["customer_email"] or ""} | form
        html = page.payment_page(
            entry.body, entry.private["lines"], form=filled, problem=problem, wrong_field=wrong_field
        )  # fmt: skip
        self._html(200, html)

    def _thank(self, entry: Entry) -> None:
        self._redirect(entry.body["success_url"].replace("{CHECKOUT_SESSION_ID}", entry.body["id"]))

    def _redirect(self, address: str) -> None:
        self._send(303, b"", "text/plain", Location=quote(address, safe=":/?#[]@!$&'()*+,;=%~"))

    def _html(self, status: int, html: str) -> None:
        self._send(status, html.encode(), "text/html; charset=utf-8", **{
            "Content-Security-Policy": page.CONTENT_SECURITY_POLICY, "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
        })  # fmt: skip

    def _json(self, status: int, body: dict[str, Any], **headers: str) -> None:
        self._send(status, json.dumps(body).encode(), "application/json", **headers)

    def _send(self, status: int, body: bytes, kind: str, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Request-Id": f"req_{secrets.token_hex(7)}", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
