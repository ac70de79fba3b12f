"""The sandbox put together: what answers `/v1`, what the payment page calls, and its heartbeat."""

import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import idempotency
from .backend import Backend
from .checkout import ON_THE_INTENT, Checkout
from .delivery import Deliveries, Endpoint, Habits
from .errors import StripeError
from .events import Events
from .payment import Payments, announce_success
from .refunds import Refunds
from .store import Store

log = logging.getLogger("stripe_sandbox")

BEAT_SECONDS = 0.25
STOP_SECONDS = 3
#: What the engine behind refuses to hold for a payment intent or charge; kept as an overlay instead.
HELD_BY_US = ON_THE_INTENT - {"metadata"} | {"setup_future_usage"}
#: The last words of the paths that can finish a payment.
MAY_PAY = {"payment_intents", "confirm", "capture", "_authenticate"}
#: What says how a client wants to pay, with no meaning here.
WITHOUT_MEANING = {"automatic_payment_methods", "return_url", "confirmation_method", "error_on_requires_action"}


@dataclass(frozen=True)
class Request:
    """One API call: `params` holds the form of a POST or the query of a GET, decoded."""

    method: str
    path: str
    params: dict[str, Any]
    query: str = ""
    idempotency_key: str | None = None


class Sandbox:
    """One Stripe account in test mode.  Writers take turns (`lock`); readers do not wait for them."""

    def __init__(self, *, state: Path | None, endpoint: Endpoint, habits: Habits, api_version: str) -> None:
        self.lock = threading.RLock()
        self.store = Store(state)
        memory = state.with_name(f"{state.name}.localstripe") if state else None
        self.backend = Backend(store=self.store, memory=memory)
        self.deliveries = Deliveries(store=self.store, endpoint=endpoint, habits=habits)
        self.events = Events(store=self.store, deliveries=self.deliveries, api_version=api_version)
        self.checkout = Checkout(store=self.store, backend=self.backend, events=self.events)
        self.payments = Payments(
            store=self.store, backend=self.backend, events=self.events, checkout=self.checkout
        )  # fmt: skip
        self.refunds = Refunds(store=self.store, backend=self.backend, events=self.events)
        self._stopping = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def start(self, *, base_url: str) -> None:
        """Start the engine, pick up what was left half done, and begin to deliver."""
        self.checkout.base_url = base_url
        self.backend.start()
        with self.lock:
            self.payments.recover()
        self._heart.start()

    def stop(self) -> None:
        """Stop delivering and end the engine; what is still to be delivered waits in the state file."""
        self._stopping.set()
        if self._heart.is_alive():
            self._heart.join(timeout=STOP_SECONDS)
        self.backend.stop()
        if not self._heart.is_alive():
            self.store.close()

    def _beat(self) -> None:
        while not self._stopping.wait(BEAT_SECONDS):
            try:
                with self.lock:
                    self.checkout.expire_due()
                self.deliveries.deliver_due(until=self._stopping.is_set)
            except Exception:
                log.exception("A heartbeat failed; the next one tries again.")

    def answer(self, request: Request) -> tuple[int, dict[str, Any], bool]:
        """Status, body, and whether it is a replay.  Never raises StripeError: a refusal is an answer."""
        if request.method != "POST":
            return (*self._attempt(request), False)
        with self.lock:
            return self._answer_once(request)

    def _answer_once(self, request: Request) -> tuple[int, dict[str, Any], bool]:
        key = request.idempotency_key
        if not key:
            return (*self._attempt(request), False)
        print_ = idempotency.fingerprint(request.method, request.path, request.params)
        # One transaction: the object and the answer that names it are both kept, or neither is.
        with self.store.transaction():
            try:
                if earlier := idempotency.replay(self.store, key=key, print_=print_):
                    return (*earlier, True)
            except StripeError as problem:
                return problem.status, problem.body, False
            status, body = self._attempt(request)
            idempotency.remember(self.store, key=key, print_=print_, status=status, body=body)
        return status, body, False

    def _attempt(self, request: Request) -> tuple[int, dict[str, Any]]:
        try:
            return 200, self._route(request)
        except StripeError as problem:
            return problem.status, problem.body

    def _route(self, request: Request) -> dict[str, Any]:
        match request.method, request.path.strip("/").split("/")[1:]:
            case "POST", ["checkout", "sessions"]:
                return self.checkout.create(request.params)
            case "GET", ["checkout", "sessions"]:
                return self.checkout.list(request.params)
            case "GET", ["checkout", "sessions", id]:
                return self.checkout.retrieve(id, request.params)
            case "POST", ["checkout", "sessions", id]:
                return self.checkout.update(id, request.params)
            case "GET", ["checkout", "sessions", id, "line_items"]:
                return self.checkout.line_items(id)
            case "POST", ["checkout", "sessions", id, "expire"]:
                return self.checkout.expire(id)
            case "GET", ["events"]:
                return self.events.list(request.params)
            case "GET", ["events", id]:
                return self.events.retrieve(id)
            case "POST", ["events", id, "retry"]:
                return self.events.resend(id)
            case "POST", ["refunds"]:
                return self.refunds.create(request.params)
            case _:
                return self._pass_on(request)

    def _pass_on(self, request: Request) -> dict[str, Any]:
        """Everything else is the engine's; a payment it finished is announced."""
        wide = "latest_charge" in (request.params.get("expand") or [])
        if request.method != "POST":
            return self.backend.call(request.method, request.path, query=request.query, wide=wide)
        known = {name: value for name, value in request.params.items() if name not in HELD_BY_US | WITHOUT_MEANING}
        body = self.backend.call("POST", request.path, known, wide=wide)
        held = {name: value for name, value in request.params.items() if name in HELD_BY_US}
        if held:
            self.store.overlay(body["id"], **held)
        if request.path.split("/")[-1] in MAY_PAY and body.get("status") == "succeeded":
            announce_success(self.events, self.backend, self.backend.get(f"/v1/payment_intents/{body['id']}"))
        return body | held
