"""Refunds: never more than was paid, and announced as Stripe announces them."""

from collections.abc import Mapping
from typing import Any

from .backend import Backend
from .errors import StripeError, invalid, required, unknown
from .events import Events
from .forms import identifier, integer, metadata, text
from .store import Store

REASONS = ("duplicate", "fraudulent", "requested_by_customer")
KNOWN = {"amount", "charge", "payment_intent", "reason", "metadata", "expand"}


class Refunds:
    """Gives money back.  Callers hold the sandbox's lock, so two refunds cannot both take the last cent."""

    def __init__(self, *, store: Store, backend: Backend, events: Events) -> None:
        self._store = store
        self._backend = backend
        self._events = events

    def create(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Give back an amount, or all that is left.  Raises StripeError when less than that is left."""
        for name in params:
            if name not in KNOWN:
                raise unknown(name)
        reason = text(params, "reason")
        if reason is not None and reason not in REASONS:
            raise invalid(f"Invalid reason: must be one of {', '.join(REASONS)}", "reason")
        notes, charge = metadata(params), self._charge(params)
        amount = self._amount(params, charge)
        refund = self._backend.post("/v1/refunds", charge=charge["id"], amount=amount, metadata=notes or None)
        extras = {"reason": reason, "payment_intent": charge["payment_intent"]}
        with self._store.transaction():
            self._store.overlay(refund["id"], **extras)
            self._events.emit("refund.created", refund | extras)
            self._events.emit("charge.refunded", self._backend.get(f"/v1/charges/{charge['id']}"))
        return refund | extras

    def _charge(self, params: Mapping[str, Any]) -> dict[str, Any]:
        if charge := identifier(params, "charge", "charge"):
            return self._backend.get(f"/v1/charges/{charge}")
        if not (id := identifier(params, "payment_intent", "payment_intent")):
            raise required("payment_intent")
        intent = self._backend.get(f"/v1/payment_intents/{id}")
        if intent["status"] != "succeeded":
            raise StripeError(
                f"This PaymentIntent ({id}) does not have a successful charge to refund.",
                code="payment_intent_unexpected_state", param="payment_intent",
            )  # fmt: skip
        return self._backend.get(f"/v1/charges/{intent['latest_charge']}")

    def _amount(self, params: Mapping[str, Any], charge: dict[str, Any]) -> int:
        left = charge["amount"] - charge["amount_refunded"]
        if left <= 0:
            raise StripeError(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
        amount = integer(params, "amount", default=left, least=1)
        if amount > left:
            raise invalid(
                f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", "amount",
                code="amount_too_large",
            )  # fmt: skip
        return amount
