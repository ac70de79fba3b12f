"""How many submits a second our session carries, own client to own server, and what one costs.

    python bench/smpp_session.py [count] [--window 200]

Two figures: both sides on one loop in one process, and the server in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import resource
import sys
import time
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from messaging.channels.types.smpp import pdu, text  # noqa: E402
from messaging.channels.types.smpp.endpoints import connect, serve  # noqa: E402
from messaging.channels.types.smpp.session import Limits, SessionHandler  # noqa: E402

BODY = "Your verification code is 482913. It is valid for five minutes."


class Acceptor(SessionHandler):
    """Lets everybody in and says yes to everything."""

    taken = 0

    def bind_requested(self, session, command, bind):
        return pdu.OK

    def requests_arrived(self, session, requests):
        for sequence, body in requests:
            pdu.decode_message(body)
            self.taken += 1
            session.answer(pdu.SUBMIT_SM, sequence, pdu.OK, pdu.encode_message_id(f"m{self.taken:x}"))


class Sender(SessionHandler):
    """Keeps the window full until `count` submits are answered."""

    def __init__(self, count):
        self.left = self.unanswered_count = count
        self.done = asyncio.Event()

    def fill(self, session):
        for _ in range(min(session.room, self.left)):
            self.left -= 1
            coding, octets = text.encode(BODY, "gsm7")
            message = pdu.Message("Signalbox", f"861380013{self.left:04d}", octets, coding, 5, 0, registered_delivery=1)
            session.request(pdu.SUBMIT_SM, pdu.encode_message(message), self.left)

    def answers_arrived(self, session, answers):
        for _token, _status, body in answers:
            pdu.decode_message_id(body)
        self.unanswered_count -= len(answers)
        self.fill(session)
        if not self.unanswered_count:
            self.done.set()


async def send_all(port, count, window):
    sender = Sender(count)
    session = await connect(
        sender, host="127.0.0.1", port=port, command=pdu.BIND_TRANSCEIVER, bind=pdu.Bind("bench", "bench"),
        limits=Limits(window=window),
    )  # fmt: skip
    begun, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    sender.fill(session)
    await sender.done.wait()
    seconds, now = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF)
    await session.unbind(patience=1)
    cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return seconds, cpu


async def on_one_loop(count, window):
    server = await serve(Acceptor(), host="127.0.0.1", port=0)
    port = server.sockets[0].getsockname()[1]
    seconds, cpu = await send_all(port, count, window)
    server.close()
    return seconds, cpu


def serve_apart(pipe):
    async def main():
        server = await serve(Acceptor(), host="127.0.0.1", port=0)
        pipe.send(server.sockets[0].getsockname()[1])
        await asyncio.get_running_loop().run_in_executor(None, pipe.recv)

    uvloop.run(main())


def with_server_apart(count, window):
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve_apart, args=(there,), daemon=True)
    process.start()
    result = uvloop.run(send_all(here.recv(), count, window))
    here.send("done")
    process.join(5)
    return result


def report(name, count, seconds, cpu):
    print(f"{name:34} {count / seconds:10,.0f} submits/s   {cpu / count * 1e6:6.1f} µs CPU a message")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=50_000)
    parser.add_argument("--window", type=int, default=200)
    options = parser.parse_args()
    report("client and server on one loop", options.count, *uvloop.run(on_one_loop(options.count, options.window)))
    report("client alone, server apart", options.count, *with_server_apart(options.count, options.window))
