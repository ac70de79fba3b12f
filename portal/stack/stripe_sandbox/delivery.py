"""Webhooks: signed, retried with growing pauses, and badly behaved on request.

Stripe promises at least once and no order.  `Habits` makes that visible in a test: each event twice, in an order the
seed decides, or a share of them not at all.
"""

import hashlib
import hmac
import http.client
import json
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from .store import Store

log = logging.getLogger("stripe_sandbox")

PAUSES = (1, 4, 15, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600)
ANSWER_SECONDS = 10
SHUFFLE_SECONDS = 2.0


@dataclass(frozen=True)
class Habits:
    """How deliveries misbehave; the same seed gives the same misbehaviour."""

    duplicate: bool = False
    shuffle: bool = False
    drop: float = 0.0
    seed: int | None = None


@dataclass(frozen=True)
class Endpoint:
    """Where events go, and the secret they are signed with."""

    url: str
    secret: str


def signature(payload: bytes, *, secret: str, at: int) -> str:
    """The Stripe-Signature header of a payload sent at a moment."""
    signed = hmac.new(secret.encode(), b"%d." % at + payload, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"


class Deliveries:
    """The queue of events to be told, in the store, so that a restart forgets none."""

    def __init__(self, *, store: Store, endpoint: Endpoint, habits: Habits) -> None:
        self._store = store
        self._endpoint = endpoint
        self._habits = habits
        self._random = random.Random(habits.seed)  # noqa: S311  misbehaviour must be repeatable, not secret

    def plan(self, event_id: str) -> None:
        """Queue an event the way our habits say."""
        dropped = self._random.random() < self._habits.drop
        self._queue(event_id, outcome="dropped" if dropped else "waiting")
        if self._habits.duplicate and not dropped:
            self._queue(event_id)

    def plan_again(self, event_id: str) -> None:
        """Queue an event once, whatever became of it before."""
        self._queue(event_id)

    def _queue(self, event_id: str, *, outcome: str = "waiting") -> None:
        delay = self._random.uniform(0, SHUFFLE_SECONDS) if self._habits.shuffle else 0
        sql = "INSERT INTO deliveries (event_id, due_at, outcome) VALUES (?, ?, ?)"
        self._store.rows(sql, event_id, time.time() + delay, outcome)

    def waiting(self, event_id: str) -> int:
        """How many deliveries of an event are still to come."""
        sql = "SELECT count(*) FROM deliveries WHERE event_id = ? AND outcome = 'waiting'"
        return self._store.rows(sql, event_id)[0][0]

    def deliver_due(self, *, until: Callable[[], bool] = lambda: False) -> None:
        """Send what is due, one after the other, `until` says stop; a refusal or silence is tried again later."""
        due = self._store.rows(
            "SELECT position, event_id, attempts FROM deliveries WHERE outcome = 'waiting' AND due_at <= ? "
            "ORDER BY due_at, position", time.time(),
        )  # fmt: skip
        for position, event_id, attempts in due:
            if until():
                return
            event = self._store.find("event", event_id).body
            problem = self._send(json.dumps(event).encode())
            outcome, due_at = _verdict(problem, attempts)
            if problem:
                log.warning("%s %s was not taken: %s (%s)", event["type"], event_id, problem, outcome)
            self._store.rows(
                "UPDATE deliveries SET outcome = ?, due_at = ?, attempts = attempts + 1 WHERE position = ?",
                outcome, due_at, position,
            )  # fmt: skip

    def _send(self, payload: bytes) -> str | None:
        """One try; nothing when it was taken, else why not."""
        url = urlsplit(self._endpoint.url)
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (sandbox)",
            "Stripe-Signature": signature(payload, secret=self._endpoint.secret, at=int(time.time())),
        }
        connection = kind(url.hostname, url.port, timeout=ANSWER_SECONDS)
        try:
            connection.request("POST", f"{url.path or '/'}{'?' if url.query else ''}{url.query}", payload, headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as problem:
            return str(problem) or type(problem).__name__
        finally:
            connection.close()
        return None if 200 <= status < 300 else f"answered {status}"


def _verdict(problem: str | None, attempts: int) -> tuple[str, float | None]:
    if problem is None:
        return "taken", None
    if attempts >= len(PAUSES):
        return "given up", None
    return "waiting", time.time() + PAUSES[attempts]
