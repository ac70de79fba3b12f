"""The engine behind: localstripe in a process of its own, spoken to over HTTP like any other Stripe.

localstripe is GPL software.  It is started as a separate program (`child.py`) and never imported here.
What it answers is dressed to the shape of the pinned API version: some fields have moved since the version it plays,
some it cannot hold (those are our overlays), and its errors are put into Stripe's words.
"""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from .errors import StripeError, missing
from .store import Store

CHILD = Path(__file__).with_name("child.py")
START_SECONDS = 30
ANSWER_SECONDS = 20
KEY = "sk_test_sandbox"


class Backend:
    """localstripe, kept running: started on demand, and again when it has died."""

    def __init__(self, *, store: Store, memory: Path | None) -> None:
        self._store = store
        self._folder = None if memory else tempfile.TemporaryDirectory(prefix="stripe-sandbox-")
        self._memory = memory or Path(self._folder.name) / "memory"
        self._lock = threading.Lock()
        self._process: subprocess.Popen | None = None
        self._port = 0

    def start(self) -> int:
        """The port the engine listens on; starts the engine if it is not running."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._launch()
            return self._port

    def stop(self) -> None:
        """End the engine.  What it knows is already on disk."""
        with self._lock:
            if self._process:
                self._process.terminate()
                self._process.wait()
                self._process.stdin.close()
                self._process = None
        if self._folder:
            self._folder.cleanup()

    def _launch(self) -> None:
        if self._process:
            self._process.stdin.close()
        reading, writing = os.pipe()
        with open(reading, "rb") as announced:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, str(CHILD), str(self._memory), str(writing)],
                    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, pass_fds=[writing],
                )  # fmt: skip
            finally:
                os.close(writing)
            line = announced.readline()
        if not line:
            raise RuntimeError("localstripe did not start; its own message is above. Is the package installed?")
        self._port = int(line)
        self._wait_until_it_answers()

    def _wait_until_it_answers(self) -> None:
        """The port is announced at bind, a moment before the engine listens."""
        pause = threading.Event()
        for _ in range(START_SECONDS * 50):
            try:
                self._exchange("GET", "/v1/balance", None)
            except ConnectionRefusedError:
                pause.wait(0.02)
            else:
                return
        raise RuntimeError("localstripe started but does not answer.")

    def _exchange(self, method: str, target: str, params: dict[str, Any] | None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_SECONDS)
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        try:
            connection.request(method, target, None if params is None else json.dumps(params), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        except json.JSONDecodeError:
            return 500, {}
        finally:
            connection.close()

    def call(
        self, method: str, path: str, params: dict[str, Any] | None = None, *, query: str = "", wide: bool = False
    ) -> dict[str, Any]:
        """One request, answered in today's shape.  Raises StripeError on a refusal; `wide` keeps expanded objects."""
        self.start()
        status, body = self._exchange(method, f"{path}?{query}" if query else path, params)
        if status >= 400:
            raise _in_stripes_words(status, body, path)
        if body.get("object") == "list":
            return body | {"data": [self._dress(item, wide) for item in body["data"]]}
        return self._dress(body, wide)

    def get(self, path: str) -> dict[str, Any]:
        return self.call("GET", path)

    def post(self, path: str, **params: Any) -> dict[str, Any]:
        return self.call("POST", path, {name: value for name, value in params.items() if value is not None})

    def _dress(self, body: dict[str, Any], wide: bool) -> dict[str, Any]:
        """The object as the pinned API version shows it."""
        kind = body.get("object")
        if kind == "payment_intent":
            body = _payment_intent(body, wide)
        elif kind == "charge":
            body = {name: value for name, value in body.items() if name != "refunds"}
            body |= {"amount_captured": body["amount"] if body["captured"] and body["paid"] else 0}
        elif kind == "refund":
            body = {name: value for name, value in body.items() if name != "date"}
        return body | self._store.overlay_of(body.get("id", ""))


def _payment_intent(body: dict[str, Any], wide: bool) -> dict[str, Any]:
    """Since 2022-11-15 an intent has no `charges`; `latest_charge` is an id unless it was asked for."""
    charge = body.get("latest_charge")
    if isinstance(charge, dict) and not wide:
        charge = charge["id"]
    plain = {name: value for name, value in body.items() if name not in ("charges", "invoice")}
    received = body["amount"] if body["status"] == "succeeded" else 0
    return plain | {"latest_charge": charge, "amount_received": received}


def _in_stripes_words(status: int, body: Any, path: str) -> StripeError:
    error = body.get("error", {}) if isinstance(body, dict) else {}
    message = error.get("message", "An unknown error occurred.")
    parts = path.strip("/").split("/")
    if status == 404 and len(parts) > 2:
        return missing(parts[1].removesuffix("s"), parts[2])
    if status == 404:
        return StripeError(f"Unrecognized request URL ({path}).", status=404)
    if status == 402:
        return StripeError(
            message, status=402, kind="card_error", code=error.get("code"), decline_code="generic_decline",
            charge=error.get("charge"),
        )  # fmt: skip
    if status >= 500:
        return StripeError("The sandbox's engine does not play this request.", status=400)
    return StripeError(message, status=status, code=error.get("code"))
