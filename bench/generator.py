"""The load generator: prepared HTTP requests over kept-alive connections, each the next as soon as one is answered.

Runs in a process of its own (`fire`), so that its CPU can be told apart; it does nothing but write and count.
"""

import asyncio
import pickle
import resource
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Volley:
    """What to send, where, over how many connections; `limit` is when to give up, in seconds."""

    port: int
    connections: int
    requests: list[bytes]
    expected: int = 202
    limit: float = 120.0


@dataclass
class Answers:
    """What came back.  `latencies` are seconds, sorted; `refusals` the first bodies with another status."""

    began: float = 0.0
    ended: float = 0.0
    cpu: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share of requests was answered."""
        return percentile(self.latencies, share) * 1000


def percentile(ordered: list[float], share: float) -> float:
    """The value at this share of an ascending list."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def fire(volley: Volley) -> Answers:
    """Send everything from a process of its own.  Returns when all is answered or the limit is over."""
    argv = [sys.executable, "-m", "bench.generator"]
    done = subprocess.run(argv, input=pickle.dumps(volley), stdout=subprocess.PIPE, cwd=ROOT, check=True)
    return pickle.loads(done.stdout)  # noqa: S301  our own child wrote it


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """A whole HTTP/1.1 request as it goes over the wire."""
    named = {"Host": "127.0.0.1", **headers, "Content-Length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def get(path: str, headers: dict[str, str] | None = None) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "127.0.0.1", **(headers or {})}.items())
    return f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode()


def status_and_length(head: bytes) -> tuple[int, int]:
    """The status and the body's length, from an answer's head.  ValueError for a body without a length."""
    status = int(head[9:12])
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return status, int(value)
    raise ValueError("an answer without Content-Length")


class Gunner(asyncio.Protocol):
    """One connection: sends a request, reads its answer whole, sends the next."""

    def __init__(self, range: "Range") -> None:
        self._range = range
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._next()

    def _next(self) -> None:
        request = next(self._range.requests, None)
        if request is None:
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        status, length = status_and_length(self._buffer[:end])
        if len(self._buffer) < end + 4 + length:
            return
        body, self._buffer = self._buffer[end + 4 :], b""
        self._range.answered(status, time.perf_counter() - self._sent, body)
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        self._range.left(error)


class Range:
    """All connections of a volley and what they brought back."""

    def __init__(self, volley: Volley) -> None:
        self.volley = volley
        self.requests = iter(volley.requests)
        self.answers = Answers()
        self._open = volley.connections
        self._empty = asyncio.Event()

    def answered(self, status: int, seconds: float, body: bytes) -> None:
        self.answers.statuses[status] += 1
        self.answers.latencies.append(seconds)
        if status != self.volley.expected and len(self.answers.refusals) < 3:
            self.answers.refusals.append(f"{status}: {body[:500]!r}")

    def left(self, error: Exception | None) -> None:
        if error:
            self.answers.refusals.append(f"a connection broke: {error}")
        self._open -= 1
        if not self._open:
            self._empty.set()

    async def run(self) -> Answers:
        loop, answers = asyncio.get_running_loop(), self.answers
        used = cpu_seconds()
        answers.began = time.time()
        for _ in range(self.volley.connections):
            await loop.create_connection(lambda: Gunner(self), "127.0.0.1", self.volley.port)
        try:
            await asyncio.wait_for(self._empty.wait(), self.volley.limit)
        except TimeoutError:
            answers.refusals.append(f"not all was answered within {self.volley.limit:.0f} s")
        answers.ended = time.time()
        answers.cpu = cpu_seconds() - used
        answers.latencies.sort()
        return answers


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    import uvloop

    volley = pickle.load(sys.stdin.buffer)  # noqa: S301  our own parent wrote it

    async def run() -> Answers:
        return await Range(volley).run()

    sys.stdout.buffer.write(pickle.dumps(uvloop.run(run())))


if __name__ == "__main__":
    # Pickled by the name others import, not as part of `__main__`.
    from bench.generator import main as run_main

    run_main()
