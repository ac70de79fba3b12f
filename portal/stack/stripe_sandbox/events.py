"""Events: every fact the sandbox announces, kept so that it can be listed, fetched and sent again."""

import secrets
import time
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from .delivery import Deliveries
from .errors import missing
from .forms import text
from .listing import page_of
from .store import Store


class Events:
    """Records events and hands them to the deliveries in the same transaction."""

    def __init__(self, *, store: Store, deliveries: Deliveries, api_version: str) -> None:
        self._store = store
        self._deliveries = deliveries
        self._api_version = api_version

    def emit(self, type: str, object: dict[str, Any]) -> None:
        """Something happened to an object: keep it as it is now, and tell."""
        event = {
            "id": f"evt_{secrets.token_hex(12)}",
            "object": "event",
            "api_version": self._api_version,
            "created": int(time.time()),
            "data": {"object": object},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": type,
        }
        with self._store.transaction():
            self._store.add(event)
            self._deliveries.plan(event["id"])

    def retrieve(self, id: str) -> dict[str, Any]:
        """The event as it was, with the number of deliveries still to come."""
        entry = self._store.find("event", id)
        if entry is None:
            raise missing("event", id)
        return entry.body | {"pending_webhooks": self._deliveries.waiting(id)}

    def list(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """A page of events; `type` may hold a `*`, `types` names several."""
        wanted = params.get("types") or text(params, "type") or "*"
        patterns = wanted if isinstance(wanted, list) else [wanted]

        def fits(event: dict[str, Any]) -> bool:
            return any(fnmatchcase(event["type"], str(pattern)) for pattern in patterns)

        return page_of(self._store, "event", url="/v1/events", params=params, fits=fits)

    def resend(self, id: str) -> dict[str, Any]:
        """Send an event once more, also one that was dropped or given up (`stripe events resend`)."""
        event = self.retrieve(id)
        self._deliveries.plan_again(id)
        return event
