"""The same request with the same key is answered once and replayed afterwards."""

import hashlib
import json
import time
from typing import Any

from .errors import StripeError
from .store import Store

KEPT_SECONDS = 24 * 3600
LONGEST_KEY = 255


def fingerprint(method: str, path: str, params: dict[str, Any]) -> str:
    """What must be equal for two requests to be the same one; the order of fields does not matter."""
    return hashlib.sha256(json.dumps([method, path, params], sort_keys=True).encode()).hexdigest()


def replay(store: Store, *, key: str, print_: str) -> tuple[int, dict[str, Any]] | None:
    """The answer this key was given before, or nothing.  Another request under the key is refused."""
    if len(key) > LONGEST_KEY:
        raise StripeError(f"Idempotency keys can have up to {LONGEST_KEY} characters.")
    rows = store.rows(
        "SELECT fingerprint, status, body FROM replies WHERE key = ? AND stored_at > ?", key, time.time() - KEPT_SECONDS
    )
    if not rows:
        return None
    if rows[0][0] != print_:
        raise StripeError(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. "
            f"Try using a key other than '{key}' if you meant to execute a different request.",
            kind="idempotency_error",
        )
    return rows[0][1], json.loads(rows[0][2])


def remember(store: Store, *, key: str, print_: str, status: int, body: dict[str, Any]) -> None:
    """Keep an answer for its replays.  Refused parameters and our own failures are not kept: nothing was done."""
    if status == 200 or status == 402:
        store.rows("DELETE FROM replies WHERE stored_at <= ?", time.time() - KEPT_SECONDS)
        store.rows(
            "INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?, ?)", key, print_, status, json.dumps(body), time.time()
        )
