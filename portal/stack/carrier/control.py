"""A small HTTP endpoint on loopback, to play the handset, the network and the carrier's moods.

POST /inbound {"from", "to", "text"}   a text from a handset        POST /rules {…}   replaces the rules
POST /drop                             cuts every line              GET  /stats       counts
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from portal.stack.carrier.rules import rules_from
from portal.stack.carrier.server import Carrier

_LONGEST_BODY = 1_000_000
_LOOPBACK_NAMES = {"127.0.0.1", "localhost"}


class Refusal(Exception):
    """A request that cannot be done; `status` is the HTTP status."""

    def __init__(self, status: int, why: str) -> None:
        self.status = status
        super().__init__(why)


class Control:
    """Serves in a thread of its own and works in the carrier's loop, one request at a time."""

    def __init__(self, carrier: Carrier, loop: asyncio.AbstractEventLoop, *, port: int) -> None:
        self._carrier, self._loop = carrier, loop
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler_for(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="carrier control", daemon=True).start()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, body: Callable[[], dict]) -> dict[str, Any]:
        routes = {
            ("GET", "/stats"): lambda: self._in_loop(self._carrier.stats),
            ("POST", "/drop"): lambda: {"dropped": self._in_loop(self._carrier.drop_lines)},
            ("POST", "/inbound"): lambda: self._inbound(body()),
            ("POST", "/rules"): lambda: self._replace_rules(body()),
        }
        if (method, path) not in routes:
            raise Refusal(404, "There is nothing here.")
        return routes[method, path]()

    def _inbound(self, body: dict) -> dict[str, Any]:
        sender, recipient, said = (body.get(name) for name in ("from", "to", "text"))
        if not all(isinstance(value, str) for value in (sender, recipient, said)):
            raise Refusal(400, "from, to and text are needed, as text.")
        if not 0 < len(sender) <= 20 or not 0 < len(recipient) <= 20 or len(said) > 2_000:
            raise Refusal(400, "from and to take up to 20 characters, text up to 2000.")
        self._in_loop(lambda: self._carrier.send_inbound(sender=sender, recipient=recipient, said=said))
        return {"sent": True}

    def _replace_rules(self, body: dict) -> dict[str, Any]:
        rules = rules_from(body)
        self._in_loop(lambda: self._carrier.replace_rules(rules))
        return {"prefixes": len(rules.prefixes)}

    def _in_loop(self, do: Callable[[], Any]) -> Any:
        async def done() -> Any:
            return do()

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(5)


def _handler_for(control: Control) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            self._respond("GET")

        def do_POST(self) -> None:
            self._respond("POST")

        def log_message(self, format: str, *args: Any) -> None:
            """Silence: the journal is the carrier's log."""

        def _respond(self, method: str) -> None:
            try:
                self._refuse_strangers(method)
                status, answer = 200, control.answer(method, self.path, self._body)
            except Refusal as error:
                status, answer = error.status, {"error": str(error)}
            except ValueError as error:  # rules or texts that say something impossible
                status, answer = 400, {"error": str(error)}
            payload = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def _refuse_strangers(self, method: str) -> None:
            # A web page in the operator's browser can reach loopback too: it cannot send this type or this host.
            if self.headers.get("Host", "").partition(":")[0] not in _LOOPBACK_NAMES:
                raise Refusal(403, "Only requests to localhost are served.")
            if method == "POST" and self.headers.get_content_type() != "application/json":
                raise Refusal(415, "Send application/json.")

        def _body(self) -> dict:
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > _LONGEST_BODY:
                raise Refusal(413, f"A body of up to {_LONGEST_BODY} bytes with its length is needed.")
            body = json.loads(self.rfile.read(int(length)))
            if not isinstance(body, dict):
                raise Refusal(400, "A JSON object is needed.")
            return body

    return Handler
