"""Where a peer reports to: an HTTP server that answers 200 and counts which messages it was told of.

    python -m bench.peers.sink PORT

`GET /dlr?id=N` is a callback, `GET /count` says how many came, for how many messages, and when the last one came.
"""

import asyncio
import json
import sys
import time

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Type: text/plain\r\n\r\n"


class Sink:
    def __init__(self) -> None:
        self.callbacks = 0
        self.ids: set[bytes] = set()
        self.last = 0.0

    def answer(self, target: bytes) -> bytes:
        """The answer to one request, which was for this path and query."""
        if not target.startswith(b"/dlr?id="):
            body = json.dumps({"callbacks": self.callbacks, "messages": len(self.ids), "last": self.last}).encode()
            return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        self.callbacks += 1
        self.ids.add(target[8:].partition(b"&")[0])
        self.last = time.time()
        return ANSWER


class Caller(asyncio.Protocol):
    """One connection of the peer's."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *heads, self._buffer = (self._buffer + data).split(b"\r\n\r\n")
        answers = [self._sink.answer(head.split(b" ", 2)[1]) for head in heads]
        self._transport.write(b"".join(answers))


async def serve(port: int) -> None:
    sink = Sink()
    server = await asyncio.get_running_loop().create_server(lambda: Caller(sink), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve(int(sys.argv[1])))
