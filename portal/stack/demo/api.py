"""The HTTP API as a customer's program uses it: a key, JSON, and nothing from inside the house."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from portal.stack.errors import StackError

PAGE = 200
PAUSE_SECONDS = 0.5
#: While the house restarts a part of itself: requests are safe to repeat, because each carries its Idempotency-Key.
PATIENCE_SECONDS = 60


class Api:
    """One customer's key at one house."""

    def __init__(self, base_url: str, key: str) -> None:
        self.base_url = base_url
        self._client = httpx.Client(
            base_url=f"{base_url}/api/v1/", headers={"Authorization": f"Bearer {key}"}, timeout=30, trust_env=False
        )

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        return self._ask("GET", path, params=parameters)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Post once, however often it takes to get through."""
        return self._ask("POST", path, json=body, headers={"Idempotency-Key": str(uuid.uuid4())})

    def upload(self, path: str, file: Path) -> dict[str, Any]:
        return self._ask("POST", path, files={"file": (file.name, file.read_bytes())})

    def pages(self, path: str, name: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Every row of a list, page by page."""
        cursor = {}
        while True:
            page = self.get(path, limit=PAGE, **parameters, **cursor)
            yield from page[name]
            if not page.get("next"):
                return
            cursor = {"cursor": page["next"]}

    def _ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = self._try(method, path, **request)
            if answer is not None and answer.status_code < 500:
                return self._read(answer)
            if time.monotonic() > give_up:
                raise StackError(f"{self.base_url} does not answer: is bin/up still running?")
            time.sleep(PAUSE_SECONDS)

    def _try(self, method: str, path: str, **request: Any) -> httpx.Response | None:
        try:
            return self._client.request(method, path, **request)
        except httpx.TransportError:
            return None

    def _read(self, answer: httpx.Response) -> dict[str, Any]:
        body = answer.json()
        if answer.is_success:
            return body
        error = body.get("error", {})
        raise StackError(
            f"The API refused: {error.get('message', answer.text)} ({error.get('code', answer.status_code)})"
        )
