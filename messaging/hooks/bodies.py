"""What we say to an endpoint: the event and the message as the API shows it, signed by Standard Webhooks."""

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from standardwebhooks.webhooks import Webhook

from kit.ids import made_at
from messaging.engine.api.bodies import message_body
from messaging.engine.models import Message
from messaging.engine.states import CODES, Status

USER_AGENT = "Signalbox-Webhooks/1"
TEST = "webhook.test"
#: Event types by final state, such as message.delivered.
EVENTS = {status: f"message.{CODES[status]}" for status in Status if status.is_final}


def new_secret() -> str:
    """A signing secret of 32 random bytes, as Standard Webhooks writes them."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def bodies_of(events: Mapping[UUID, str]) -> dict[UUID, bytes]:
    """The bodies of events by message id, read under the caller's scope; none for messages that are gone."""
    tests = {id: _test_body(id) for id, event in events.items() if event == TEST}
    messages = Message.objects.filter(pk__in=[id for id in events if id not in tests])
    return tests | {message.pk: _message_body(message) for message in messages}


def signed_headers(*, id: str, at: datetime, body: bytes, signing_secrets: Sequence[str]) -> dict[str, str]:
    """The headers of one call; with two live secrets both signatures, so that either verifies."""
    text = body.decode()
    signatures = " ".join(Webhook(secret).sign(id, at, text) for secret in signing_secrets)
    return {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signatures,
    }


def _message_body(message: Message) -> bytes:
    data = message_body(message)
    return _encoded({"type": EVENTS[message.state], "timestamp": data["final_at"], "data": data})


def _test_body(id: UUID) -> bytes:
    moment = made_at(id).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return _encoded({"type": TEST, "timestamp": moment, "data": {"id": str(id), "text": "It works."}})


def _encoded(event: Mapping[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
