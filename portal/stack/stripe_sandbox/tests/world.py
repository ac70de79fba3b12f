"""A sandbox process, a shop that takes its webhooks, and a buyer: what the tests are made of."""

import html
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import stripe

ROOT = Path(__file__).parents[4]
SECRET = "whsec_tests"
API_VERSION = "2026-10-28.endive"
GOOD, DECLINED, POOR, SECURE = "4242424242424242", "4000000000000002", "4000000000009995", "4000002500003155"


@dataclass
class Shop:
    """Takes webhooks like the product does: verifies the signature, remembers what came, answers `status`."""

    status: int = 200
    events: list[stripe.Event] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    letters: list[tuple[bytes, str]] = field(default_factory=list)
    url: str = ""

    def take(self, payload: bytes, header: str) -> int:
        event = stripe.Webhook.construct_event(payload, header, SECRET)
        if self.status == 200:
            self.events.append(event)
        else:
            self.refused.append(event.id)
        self.letters.append((payload, header))
        return self.status

    def types(self, about: str) -> list[str]:
        """The types of the events that speak of an object."""
        return [event.type for event in list(self.events) if about in json.dumps(event.to_dict())]


@contextmanager
def open_shop() -> Iterator[Shop]:
    shop = Shop()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            payload = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(shop.take(payload, self.headers["Stripe-Signature"]))
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    shop.url = f"http://127.0.0.1:{server.server_address[1]}/webhooks/stripe"
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Running:
    """A started sandbox and the official SDK pointed at it."""

    url: str
    process: subprocess.Popen
    stripe: stripe.StripeClient


@contextmanager
def run_sandbox(*options: str, webhook_url: str) -> Iterator[Running]:
    command = [sys.executable, "-m", "portal.stack.stripe_sandbox", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--webhook-url", webhook_url, "--webhook-secret", SECRET, *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        url = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
        client = stripe.StripeClient(
            "sk_test_tests", base_addresses={"api": url}, stripe_version=API_VERSION, max_network_retries=0
        )
        yield Running(url, process, client)
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def eventually(holds: Callable[[], Any], *, within: float = 10) -> Any:
    """The first true value of `holds`; fails when there is none in time."""
    end, pause = time.monotonic() + within, threading.Event()
    while not (value := holds()):
        assert time.monotonic() < end, "it did not happen in time"
        pause.wait(0.05)
    return value


def session_params(**changes: Any) -> dict[str, Any]:
    product = {"currency": "usd", "unit_amount": 10_000, "product_data": {"name": "10,000 segments"}}
    return {
        "mode": "payment",
        "line_items": [{"quantity": 2, "price_data": product}],
        "client_reference_id": "purchase-7",
        "metadata": {"purchase": "7"},
        "payment_intent_data": {"metadata": {"purchase": "7"}},
        "success_url": "http://127.0.0.1:8000/packages/thanks?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://127.0.0.1:8000/packages",
    } | changes


def request(
    method: str, url: str, form: dict[str, str] | bytes | None = None, **headers: str
) -> tuple[HTTPResponse, str]:
    """One request as a browser without script makes it."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname, parts.port, timeout=20)
    body = urlencode(form).encode() if isinstance(form, dict) else form
    connection.request(method, f"{parts.path}?{parts.query}", body, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer, text


def pay(session: Any, number: str = GOOD, **changes: str) -> tuple[HTTPResponse, str]:
    """Fill in the payment page of a session and press the button."""
    form = {"number": number, "exp": "12 / 34", "cvc": "123", "name": "Ada", "email": "ada@example.com"}
    return request("POST", session.url, form | changes)


def answer_bank(session: Any, answer: str) -> tuple[HTTPResponse, str]:
    """Press a button of the 3-D Secure page."""
    return request("POST", f"{session.url}/challenge", {"answer": answer})


def complaint(page: str) -> str:
    """What the page says is wrong."""
    found = re.search(r'id="msg"[^>]*>([^<]*)<', page)
    return html.unescape(found[1]) if found else ""
