"""Checkout Sessions in payment mode: create, fetch, list, change, expire, complete."""

import secrets
import time
from collections.abc import Mapping
from typing import Any

from .backend import Backend
from .errors import StripeError, invalid, missing, required, unknown
from .events import Events
from .forms import identifier, integer, mapping, metadata, needed, text, web_address
from .listing import page_of
from .store import Entry, Store

SOONEST, LATEST = 30 * 60, 24 * 3600
LEAST_AMOUNT = 50
MOST_LINES = 100
PLAYED = {
    "mode", "line_items", "success_url", "cancel_url", "client_reference_id", "metadata", "expires_at", "customer",
    "customer_email", "currency", "payment_intent_data", "expand",
}  # fmt: skip
LOOKS_ONLY = {
    "locale", "submit_type", "payment_method_types", "billing_address_collection", "customer_creation", "custom_text",
    "ui_mode", "branding_settings",
}  # fmt: skip
ON_THE_INTENT = {"metadata", "description", "receipt_email", "statement_descriptor", "statement_descriptor_suffix"}


class Checkout:
    """The sessions.  Callers hold the sandbox's lock while they change one."""

    def __init__(self, *, store: Store, backend: Backend, events: Events) -> None:
        self.base_url = ""
        self._store = store
        self._backend = backend
        self._events = events

    def create(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """A new open session, with the address of its payment page."""
        for name in params:
            if name not in PLAYED | LOOKS_ONLY:
                raise unknown(name)
        if needed(params, "mode") != "payment":
            raise invalid("The sandbox plays `mode=payment` only.", "mode")
        if (customer := identifier(params, "customer", "customer")) is not None:
            self._backend.get(f"/v1/customers/{customer}")
        lines = _read_lines(params)
        now, id = int(time.time()), f"cs_test_{secrets.token_hex(24)}"
        session = _blank(id, now) | {
            "amount_subtotal": sum(line["amount_subtotal"] for line in lines),
            "amount_total": sum(line["amount_total"] for line in lines),
            "cancel_url": web_address(params, "cancel_url"),
            "client_reference_id": text(params, "client_reference_id", longest=200),
            "currency": lines[0]["currency"],
            "customer": customer,
            "customer_email": text(params, "customer_email", longest=800),
            "expires_at": _read_expiry(params, now),
            "metadata": metadata(params),
            "success_url": _read_success_url(params),
            "url": f"{self.base_url}/c/pay/{id}",
        }
        if session["amount_total"] < LEAST_AMOUNT:
            raise StripeError(
                "The Checkout Session's total amount due must add up to at least 50 cents.", code="amount_too_small"
            )
        self._store.add(session, lines=lines, intent=_read_intent(params))
        return self._expanded(session, lines, params)

    def entry(self, id: str) -> Entry:
        """The session with what only the sandbox knows about it; one past its time has expired by then."""
        entry = self._store.find("checkout.session", id)
        if entry is None:
            raise missing("checkout.session", id)
        if entry.body["status"] == "open" and entry.body["expires_at"] <= time.time():
            self._close(entry)
        return entry

    def retrieve(self, id: str, params: Mapping[str, Any]) -> dict[str, Any]:
        entry = self.entry(id)
        return self._expanded(entry.body, entry.private["lines"], params)

    def list(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """A page of sessions, by status, customer or payment intent if asked."""
        wanted = {name: text(params, name) for name in ("status", "customer", "payment_intent")}
        wanted = {name: value for name, value in wanted.items() if value}

        def fits(session: dict[str, Any]) -> bool:
            return all(session[name] == value for name, value in wanted.items())

        return page_of(self._store, "checkout.session", url="/v1/checkout/sessions", params=params, fits=fits)

    def line_items(self, id: str) -> dict[str, Any]:
        return _line_list(id, self.entry(id).private["lines"])

    def update(self, id: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """New metadata beside the old; a key given an empty value goes."""
        for name in params:
            if name not in ("metadata", "expand"):
                raise unknown(name)
        entry = self.entry(id)
        merged = entry.body["metadata"] | metadata(params)
        entry.body["metadata"] = {key: value for key, value in merged.items() if value != ""}
        self._store.save(entry)
        return entry.body

    def expire(self, id: str) -> dict[str, Any]:
        """Close an open session for good."""
        entry = self.entry(id)
        if entry.body["status"] != "open":
            raise StripeError(
                'Only Checkout Sessions with a status in ["open"] can be expired. '
                f"This Checkout Session has a status of `{entry.body['status']}`."
            )
        self._close(entry)
        return entry.body

    def expire_due(self) -> None:
        """Close the sessions whose time is over."""
        late = self._store.rows(
            "SELECT id FROM objects WHERE object = 'checkout.session' AND json_extract(body, '$.status') = 'open' "
            "AND json_extract(body, '$.expires_at') <= ?", time.time(),
        )  # fmt: skip
        for (id,) in late:
            self.entry(id)

    def complete(self, entry: Entry, *, intent: dict[str, Any], email: str | None, name: str) -> None:
        """The session is paid by that intent; says so once."""
        entry.body |= {
            "status": "complete",
            "payment_status": "paid",
            "payment_intent": intent["id"],
            "url": None,
            "customer_details": {"email": email, "name": name or None, "phone": None, "address": None, "tax_ids": []},
        }
        entry.private["challenge"] = None
        with self._store.transaction():
            self._store.save(entry)
            self._events.emit("checkout.session.completed", entry.body)

    def _close(self, entry: Entry) -> None:
        entry.body |= {"status": "expired", "url": None}
        with self._store.transaction():
            self._store.save(entry)
            self._events.emit("checkout.session.expired", entry.body)

    def _expanded(self, session: dict[str, Any], lines: list, params: Mapping[str, Any]) -> dict[str, Any]:
        wanted = params.get("expand") or []
        answer = dict(session)
        if "line_items" in wanted:
            answer["line_items"] = _line_list(session["id"], lines)
        if "payment_intent" in wanted and session["payment_intent"]:
            answer["payment_intent"] = self._backend.get(f"/v1/payment_intents/{session['payment_intent']}")
        return answer


def _blank(id: str, now: int) -> dict[str, Any]:
    return {
        "id": id, "object": "checkout.session", "allow_promotion_codes": None, "automatic_tax": {"enabled": False},
        "created": now, "custom_fields": [], "customer_creation": "if_required", "customer_details": None,
        "invoice": None, "livemode": False, "locale": None, "mode": "payment", "payment_intent": None,
        "payment_link": None, "payment_method_types": ["card"], "payment_status": "unpaid", "setup_intent": None,
        "status": "open", "subscription": None,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0}, "ui_mode": "hosted_page",
    }  # fmt: skip


def _read_expiry(params: Mapping[str, Any], now: int) -> int:
    expires_at = integer(params, "expires_at", default=now + LATEST)
    if expires_at < now + SOONEST - 60:
        raise invalid(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.", "expires_at"
        )
    if expires_at > now + LATEST + 60:
        raise invalid(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.", "expires_at"
        )
    return expires_at


def _read_success_url(params: Mapping[str, Any]) -> str:
    needed(params, "success_url")
    return web_address(params, "success_url")


def _read_intent(params: Mapping[str, Any]) -> dict[str, Any]:
    data = mapping(params, "payment_intent_data")
    for name in data:
        if name not in ON_THE_INTENT:
            raise unknown(f"payment_intent_data[{name}]")
    return {name: value for name, value in data.items() if name != "metadata"} | {"metadata": metadata(data)}


def _read_lines(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = params.get("line_items")
    if not given:
        raise required("line_items")
    if not isinstance(given, list) or len(given) > MOST_LINES:
        raise invalid("Invalid array", "line_items")
    lines = [_read_line(line, f"line_items[{position}]") for position, line in enumerate(given)]
    if len({line["currency"] for line in lines}) > 1:
        raise invalid("All line items must have the same currency.", "line_items")
    return lines


def _read_line(line: Any, param: str) -> dict[str, Any]:
    if not isinstance(line, dict) or not isinstance(line.get("price_data"), dict):
        raise required(f"{param}[price_data]")
    price, product = line["price_data"], mapping(line["price_data"], "product_data")
    currency = needed(price, "currency").lower()
    if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
        raise invalid(f"Invalid currency: {currency[:20]}.", f"{param}[price_data][currency]")
    unit_amount = integer(price, "unit_amount")
    if unit_amount is None:
        raise required(f"{param}[price_data][unit_amount]")
    quantity = integer(line, "quantity", default=1, least=1)
    return {
        "id": f"li_{secrets.token_hex(12)}", "object": "item", "amount_discount": 0,
        "amount_subtotal": unit_amount * quantity, "amount_tax": 0, "amount_total": unit_amount * quantity,
        "currency": currency, "description": needed(product, "name"), "quantity": quantity,
        "price": {
            "id": f"price_{secrets.token_hex(12)}", "object": "price", "active": False, "currency": currency,
            "livemode": False, "metadata": {}, "type": "one_time", "unit_amount": unit_amount,
            "unit_amount_decimal": str(unit_amount),
        },
    }  # fmt: skip


def _line_list(id: str, lines: list[dict[str, Any]]) -> dict[str, Any]:
    return {"object": "list", "url": f"/v1/checkout/sessions/{id}/line_items", "has_more": False, "data": lines}
