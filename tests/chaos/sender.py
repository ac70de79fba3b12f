"""A good client of the API: gives every request an Idempotency-Key and repeats it, unchanged, until it is answered."""

import http.client
import json
import queue
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from portal.stack.ports import HOST

ANSWER_SECONDS = 15
PATIENCE_SECONDS = 120
PAUSE_SECONDS = 0.25
#: Answers that say "later": everything else but 202 is a bug of ours or of the house.
LATER = {429, 500, 502, 503, 504}


class Unanswered(AssertionError):
    """The house refused, or gave no answer for so long that a good client gives up."""


@dataclass
class Sender:
    """Sends what is released to it over a few connections; `accepted` has the id of every message, by its number."""

    port: int
    prepared: dict[str, Any]
    connections: int = 2
    accepted: dict[str, str] = field(default_factory=dict)
    retries: int = 0
    trouble: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._waiting: queue.Queue[tuple[str, list[str]] | None] = queue.Queue()
        self._threads = [threading.Thread(target=self._work) for _ in range(self.connections)]
        for thread in self._threads:
            thread.start()

    def release(self, key: str, numbers: list[str]) -> None:
        self._waiting.put((key, numbers))

    def finish(self) -> None:
        """Wait until everything released is answered.  Raises what went wrong."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()
        if self.trouble:
            raise ExceptionGroup("the client could not send", self.trouble)

    def _work(self) -> None:
        while (released := self._waiting.get()) is not None:
            try:
                self._send(*released)
            except Exception as error:
                self.trouble.append(error)

    def _send(self, key: str, numbers: list[str]) -> None:
        messages = [{"to": number, "variables": self.prepared["values"]} for number in numbers]
        wording = {name: self.prepared[name] for name in ("template", "sender")}
        body = json.dumps({**wording, "messages": messages})
        until = time.monotonic() + PATIENCE_SECONDS
        while (answer := self._try(key, body)) is None:
            if time.monotonic() > until:
                raise Unanswered(f"no answer for {PATIENCE_SECONDS} s")
            self.retries += 1
            time.sleep(PAUSE_SECONDS)
        for message in answer["messages"]:
            self.accepted[message["to"]] = message["id"]

    def _try(self, key: str, body: str) -> dict[str, Any] | None:
        headers = {
            "Authorization": f"Bearer {self.prepared['key']}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        connection = http.client.HTTPConnection(HOST, self.port, timeout=ANSWER_SECONDS)
        try:
            connection.request("POST", "/api/v1/messages", body, headers)
            answer = connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        if answer.status in LATER:
            return None
        if answer.status != http.HTTPStatus.ACCEPTED:
            raise Unanswered(f"{answer.status}: {said[:300]!r}")
        return json.loads(said)
