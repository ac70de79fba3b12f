"""How many submits a second our session carries, own client to own server, and what one costs.

    python bench/smpp_session.py [count] [--window 200]

Three figures: both sides on one loop in one process; the server in a process of its own; and a whole channel with the
demo carrier in a process of its own, every receipt read, with the CPU of either.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import resource
import subprocess
import sys
import threading
import time
import uuid
from collections import deque
from contextlib import contextmanager
from pathlib import Path

import uvloop

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from messaging.channels.types.base import Outgoing  # noqa: E402
from messaging.channels.types.smpp import pdu, text  # noqa: E402
from messaging.channels.types.smpp.endpoints import connect, serve  # noqa: E402
from messaging.channels.types.smpp.link import SmppChannel  # noqa: E402
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


def channel_and_carrier(count, window):
    """Seconds, and the CPU of this process and of the carrier, until every receipt has been read."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder, carrier_process(Path(folder)) as (carrier, port):
        reported, done = [], threading.Event()

        def take(news):
            reported.extend(channel.parse_receipt(piece.raw).reference for piece in news)
            if len(reported) >= count:
                done.set()

        channel = SmppChannel(
            {"host": "127.0.0.1", "port": port, "system_id": "demo", "password": "demo1234", "window": window},
            on_inbound=take, on_leaving=len,
        )  # fmt: skip
        channel.open()
        before, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        carriers = cpu_of(carrier.pid)
        batches = [[message(number) for number in range(at, min(at + 250, count))] for at in range(0, count, 250)]
        waiting = deque()
        for batch in batches:
            waiting.append(channel.send(batch))
            if len(waiting) > 2:
                deque(waiting.popleft(), 0)
        for outcomes in waiting:
            deque(outcomes, 0)
        done.wait(60)
        seconds, now = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF)
        carriers = cpu_of(carrier.pid) - carriers
        channel.close()
    return seconds, now.ru_utime + now.ru_stime - before.ru_utime - before.ru_stime, carriers


def message(number):
    return Outgoing(uuid.uuid4(), "Signalbox", f"+861380013{number % 10_000:04d}", BODY, "gsm7", 1, number % 65_535 + 1)


@contextmanager
def carrier_process(folder):
    command = [sys.executable, "-m", "portal.stack.carrier", "--port", "0", "--log", str(folder / "log.jsonl")]
    quick = ["--receipt-delay", "0", "--receipt-jitter", "0"]
    process = subprocess.Popen([*command, *quick], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        yield process, int(process.stdout.readline().rpartition(":")[2])
    finally:
        process.terminate()
        process.wait(10)


def cpu_of(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def report(name, count, seconds, cpu):
    print(f"{name:34} {count / seconds:10,.0f} submits/s   {cpu / count * 1e6:6.1f} µs CPU a message")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=50_000)
    parser.add_argument("--window", type=int, default=200)
    options = parser.parse_args()
    report("client and server on one loop", options.count, *uvloop.run(on_one_loop(options.count, options.window)))
    report("client alone, server apart", options.count, *with_server_apart(options.count, options.window))
    seconds, own, carriers = channel_and_carrier(options.count, options.window)
    report("channel, receipts read", options.count, seconds, own)
    report("the demo carrier", options.count, seconds, carriers)
