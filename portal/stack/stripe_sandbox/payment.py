"""Paying a session on the hosted page: one try with a card, perhaps a 3-D Secure question, and what came of it."""

from dataclasses import dataclass
from typing import Any

from .backend import Backend
from .cards import BY_KEY, DECLINED, Refusal, Typed
from .checkout import Checkout
from .errors import StripeError
from .events import Events
from .store import Entry, Store

NOT_AUTHENTICATED = Refusal(
    "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
    code="payment_intent_authentication_failure",
)


@dataclass(frozen=True)
class Paid:
    """The money is there."""


@dataclass(frozen=True)
class Challenged:
    """The bank wants to ask the buyer first."""


class Payments:
    """Tries at paying sessions.  Callers hold the sandbox's lock."""

    def __init__(self, *, store: Store, backend: Backend, events: Events, checkout: Checkout) -> None:
        self._store = store
        self._backend = backend
        self._events = events
        self._checkout = checkout

    def pay(self, entry: Entry, typed: Typed) -> Paid | Challenged:
        """Try to pay an open session with a card.  Raises StripeError with the bank's words when it says no.

        A session is charged at most once: a try that succeeded just before the sandbox was killed is found again.
        """
        if (earlier := self._earlier_try(entry)) is not None:
            return self._complete(entry, earlier)
        intent = self._new_intent(entry, typed)
        entry.private |= {
            "try": intent["id"], "challenge": None, "card": typed.card.key, "name": typed.name,
            "email": typed.email or entry.body["customer_email"],
        }  # fmt: skip
        self._store.save(entry)
        return self._conclude(entry, f"/v1/payment_intents/{intent['id']}/confirm", {})

    def answer_challenge(self, entry: Entry, *, passed: bool) -> Paid:
        """What the buyer answered to the bank's question.  Raises StripeError when that ends in a refusal."""
        intent = self._backend.get(f"/v1/payment_intents/{entry.private['try']}")
        entry.private["challenge"] = None
        self._store.save(entry)
        answer = {"client_secret": intent["client_secret"], "success": passed}
        return self._conclude(entry, f"/v1/payment_intents/{intent['id']}/_authenticate", answer)

    def recover(self) -> None:
        """Complete the sessions whose payment went through just before the sandbox was killed."""
        for entry in list(self._store.oldest_first("checkout.session")):
            if entry.body["status"] == "open" and (intent := self._earlier_try(entry)) is not None:
                self._complete(entry, intent)

    def _earlier_try(self, entry: Entry) -> dict[str, Any] | None:
        """The intent of an earlier try that went through; one that still waits for an answer is given up."""
        if not (id := entry.private.get("try")):
            return None
        intent = self._backend.get(f"/v1/payment_intents/{id}")
        if intent["status"] == "succeeded":
            return intent
        if intent["status"] in ("requires_action", "requires_confirmation"):
            self._backend.post(f"/v1/payment_intents/{id}/cancel")
        return None

    def _new_intent(self, entry: Entry, typed: Typed) -> dict[str, Any]:
        card, session, wanted = typed.card, entry.body, entry.private["intent"]
        method = self._backend.post(
            "/v1/payment_methods",
            type="card",
            card={"number": card.played_by, "exp_month": typed.month, "exp_year": typed.year, "cvc": "123"},
        )
        shown = method["card"] | {"brand": card.brand, "last4": card.number[-4:]}
        self._store.overlay(method["id"], card=shown)
        if session["customer"]:
            self._backend.post(f"/v1/payment_methods/{method['id']}/attach", customer=session["customer"])
        intent = self._backend.post(
            "/v1/payment_intents", amount=session["amount_total"], currency=session["currency"],
            customer=session["customer"], payment_method=method["id"], metadata=wanted["metadata"],
        )  # fmt: skip
        self._store.overlay(intent["id"], **{name: value for name, value in wanted.items() if name != "metadata"})
        return intent

    def _conclude(self, entry: Entry, path: str, params: dict[str, Any]) -> Paid | Challenged:
        try:
            intent = self._backend.call("POST", path, params)
        except StripeError as problem:
            if problem.status != 402:
                raise
            raise self._refused(entry, BY_KEY[entry.private["card"]].refusal) from problem
        if intent["status"] == "succeeded":
            return self._complete(entry, intent)
        if intent["status"] == "requires_action":
            entry.private["challenge"] = intent["id"]
            self._store.save(entry)
            return Challenged()
        raise self._refused(entry, NOT_AUTHENTICATED)

    def _complete(self, entry: Entry, intent: dict[str, Any]) -> Paid:
        if intent["metadata"]:
            self._backend.post(f"/v1/charges/{intent['latest_charge']}", metadata=intent["metadata"])
        with self._store.transaction():
            announce_success(self._events, self._backend, intent)
            self._checkout.complete(entry, intent=intent, email=entry.private["email"], name=entry.private["name"])
        return Paid()

    def _refused(self, entry: Entry, refusal: Refusal | None) -> StripeError:
        """Put the refusal on the intent, announce it, and give it back to be raised."""
        error = (refusal or Refusal(DECLINED)).as_error()
        id = entry.private["try"]
        self._store.overlay(id, last_payment_error=error.body["error"])
        self._events.emit("payment_intent.payment_failed", self._backend.get(f"/v1/payment_intents/{id}"))
        return error


def announce_success(events: Events, backend: Backend, intent: dict[str, Any]) -> None:
    """An intent was paid: two events, as Stripe sends them beside the session's own."""
    events.emit("payment_intent.succeeded", intent)
    events.emit("charge.succeeded", backend.get(f"/v1/charges/{intent['latest_charge']}"))
