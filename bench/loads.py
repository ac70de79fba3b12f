"""The three loads: one message a request, requests of 500, a campaign from a file.  Each gives back how it went."""

import http.client
import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bench.generator import Answers, Volley, fire, post
from bench.house import WentWrong, wait_until
from bench.sender import Sender

CONNECTIONS = {"a": 32, "b": 4}
A_REQUEST = {"a": 1, "b": 500}
SENDING = "/api/v1/messages"


@dataclass(frozen=True)
class Task:
    """What one run sends, from where: numbers are `first` and the `messages` after it."""

    port: int
    sender: Sender
    messages: int
    first: int
    limit: float
    connections: int = 0

    @property
    def numbers(self) -> Iterator[str]:
        return (number_of(self.first + place) for place in range(self.messages))


@dataclass
class Sent:
    """When a load was begun and accepted, in Unix seconds, and the latencies of its requests, sorted, in seconds."""

    began: float
    accepted: float
    latencies: list[float]
    extra: dict[str, float] = field(default_factory=dict)


def number_of(place: int) -> str:
    """Mainland mobile numbers, a hundred million of them."""
    return f"+86138{place % 10**8:08d}"


def one_a_request(task: Task) -> list[bytes]:
    common = {"template": task.sender.template, "sender": task.sender.sender}
    return [
        post(SENDING, json.dumps({**common, "to": to, "variables": task.sender.values_of(place)}).encode(),
             task.sender.headers)
        for place, to in enumerate(task.numbers)
    ]  # fmt: skip


def many_a_request(task: Task, size: int) -> list[bytes]:
    common = {"template": task.sender.template, "sender": task.sender.sender}
    messages = [{"to": to, "variables": task.sender.values_of(place)} for place, to in enumerate(task.numbers)]
    return [
        post(SENDING, json.dumps({**common, "messages": messages[start : start + size]}).encode(), task.sender.headers)
        for start in range(0, len(messages), size)
    ]


def by_api(load: str) -> Callable[[Task], Callable[[], Sent]]:
    """Requests are made before the run begins: making them is nobody's work."""

    def prepare(task: Task) -> Callable[[], Sent]:
        requests = one_a_request(task) if load == "a" else many_a_request(task, A_REQUEST[load])
        volley = Volley(task.port, task.connections or CONNECTIONS[load], requests, limit=task.limit)
        return lambda: sent(fire(volley))

    return prepare


def sent(answers: Answers) -> Sent:
    if answers.refusals:
        raise WentWrong(answers.refusals[0])
    return Sent(answers.began, answers.ended, answers.latencies, {"generator_cpu": answers.cpu})


# --- a campaign from a file


def campaign(task: Task) -> Callable[[], Sent]:
    """Upload the file, wait until it is read, start the campaign, wait until all of it is accepted."""
    columns = list(task.sender.values)
    rows = [",".join([to, *task.sender.values_of(place).values()]) + "\r\n" for place, to in enumerate(task.numbers)]
    content = (",".join(["number", *columns]) + "\r\n" + "".join(rows)).encode()
    return lambda: _run_campaign(task, content)


def _run_campaign(task: Task, content: bytes) -> Sent:
    latencies: list[float] = []
    call = _caller(task, latencies)
    uploading = time.time()
    file = call("POST", "/api/v1/recipient-files", *form_of(content))
    path = f"/api/v1/recipient-files/{file['id']}"
    wait_until(lambda: call("GET", path)["status"] in ("read", "refused"), task.limit, "the file is read")
    if call("GET", path)["status"] == "refused":
        raise WentWrong("the file was refused")
    began = time.time()
    started = call("POST", "/api/v1/campaigns", json.dumps(_wanted(task, file["id"])).encode(), "application/json")
    path = f"/api/v1/campaigns/{started['id']}"
    wait_until(
        lambda: call("GET", path)["accepted"] >= task.messages, task.limit, "all of the campaign is accepted", every=1.0
    )
    return Sent(began, time.time(), sorted(latencies), {"file_seconds": began - uploading})


def _wanted(task: Task, file: str) -> dict:
    return {
        "name": f"Load {task.first}",
        "file": file,
        "template": task.sender.template,
        "sender": task.sender.sender,
        "variables": {name: {"column": name} for name in task.sender.values},
    }


def form_of(content: bytes) -> tuple[bytes, str]:
    """The file as a browser or a program uploads it: body and content type."""
    boundary = uuid.uuid4().hex
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="recipients.csv"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    )
    return head.encode() + content + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def _caller(task: Task, latencies: list[float]) -> Callable[..., dict]:
    def call(method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> dict:
        connection = http.client.HTTPConnection("127.0.0.1", task.port, timeout=60)
        before = time.monotonic()
        try:
            connection.request(method, path, body, {**task.sender.headers, "Content-Type": kind})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        latencies.append(time.monotonic() - before)
        if answer.status >= 400:
            raise WentWrong(f"{method} {path}: {answer.status} {text[:500]!r}")
        return json.loads(text)

    return call


LOADS: dict[str, Callable[[Task], Callable[[], Sent]]] = {"a": by_api("a"), "b": by_api("b"), "c": campaign}
NAMES = {"a": "one message a request", "b": "requests of 500", "c": "a campaign from a file"}
USUAL = {"a": 20_000, "b": 100_000, "c": 200_000}
