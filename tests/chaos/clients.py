"""Good clients of the API: each request has an Idempotency-Key and is repeated, unchanged, until it is answered."""

import http.client
import json
import queue
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from portal.stack.ports import HOST

ANSWER_SECONDS = 15
PATIENCE_SECONDS = 120
PAUSE_SECONDS = 0.25
#: Answers that say "later".  Everything else that is no success is a bug of ours or of the house; so is a 500.
LATER = {429, 502, 503, 504}


class Unanswered(AssertionError):
    """The house refused, or gave no answer for so long that a good client gives up."""


@dataclass(frozen=True)
class Requested:
    """Messages somebody wants sent, by one request or by one campaign."""

    name: str
    key: str
    sender: str
    template: str
    variable: str
    numbers: list[str]
    is_campaign: bool = False


@dataclass
class Promises:
    """What the house has said yes to: ids of messages by their numbers, and the numbers of each campaign."""

    messages: dict[str, str] = field(default_factory=dict)
    campaigns: dict[str, list[str]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    repeated: int = 0
    errors: int = 0

    @property
    def numbers(self) -> list[str]:
        return [*self.messages, *(number for numbers in self.campaigns.values() for number in numbers)]


class Clients:
    """Sends what is released to them over a few connections."""

    def __init__(self, port: int, *, connections: int = 4) -> None:
        self.port, self.promises = port, Promises()
        self.trouble: list[Exception] = []
        self._waiting: queue.Queue[Requested | None] = queue.Queue()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(connections)]
        for thread in self._threads:
            thread.start()

    def release(self, wanted: Requested) -> None:
        self._waiting.put(wanted)

    def finish(self) -> None:
        """Wait until everything released is answered.  Raises what went wrong."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()
        if self.trouble:
            raise ExceptionGroup("the clients could not send", self.trouble)

    def _work(self) -> None:
        while (wanted := self._waiting.get()) is not None:
            try:
                self._campaign(wanted) if wanted.is_campaign else self._messages(wanted)
            except Exception as error:
                self.trouble.append(error)

    def _messages(self, wanted: Requested) -> None:
        messages = [{"to": number, "variables": {wanted.variable: "204913"}} for number in wanted.numbers]
        body = {"template": wanted.template, "sender": wanted.sender, "messages": messages}
        answer = self._until_answered(wanted, "POST", "messages", body)
        for message in answer["messages"]:
            self.promises.messages[message["to"]] = message["id"]

    def _campaign(self, wanted: Requested) -> None:
        rows = "phone,name\n" + "".join(f"{number},Ada\n" for number in wanted.numbers)
        file = self._until_answered(wanted, "POST", "recipient-files", rows.encode())
        until = time.monotonic() + PATIENCE_SECONDS
        while self._until_answered(wanted, "GET", f"recipient-files/{file['id']}")["status"] != "read":
            if time.monotonic() > until:
                raise Unanswered("a recipient file is not read")
            time.sleep(PAUSE_SECONDS)
        body = {"name": wanted.name, "file": file["id"], "template": wanted.template, "sender": wanted.sender,
                "variables": {wanted.variable: {"column": "name"}}}  # fmt: skip
        campaign = self._until_answered(wanted, "POST", "campaigns", body)
        self.promises.campaigns[campaign["id"]] = wanted.numbers

    def _until_answered(self, wanted: Requested, method: str, path: str, body: Any = None) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE_SECONDS
        while (answer := self._try(wanted, method, path, body)) is None:
            if time.monotonic() > until:
                raise Unanswered(f"{method} {path}: no answer for {PATIENCE_SECONDS} s")
            self.promises.repeated += 1
            time.sleep(PAUSE_SECONDS)
        return answer

    def _try(self, wanted: Requested, method: str, path: str, body: Any) -> dict[str, Any] | None:
        headers = {"Authorization": f"Bearer {wanted.key}", "Idempotency-Key": f"{wanted.name}:{path}"}
        if isinstance(body, bytes):
            body, kind = as_form(body)
        else:
            body, kind = json.dumps(body) if body is not None else None, "application/json"
        connection = http.client.HTTPConnection(HOST, self.port, timeout=ANSWER_SECONDS)
        began = time.monotonic()
        try:
            connection.request(method, f"/api/v1/{path}", body, headers | {"Content-Type": kind})
            answer = connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        if answer.status in LATER:
            return None
        if answer.status not in (200, 201, 202):
            raise Unanswered(f"{method} {path}: {answer.status}: {said[:300]!r}")
        self.promises.seconds.append(time.monotonic() - began)
        return json.loads(said)


def as_form(content: bytes) -> tuple[bytes, str]:
    """A file as a form sends it; body and content type."""
    mark = uuid.uuid4().hex
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="list.csv"\r\nContent-Type: text/csv\r\n\r\n'
    return head.encode() + content + f"\r\n--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"
