"""What tests of lines share: messages to send and a channel that is open."""

import socket
import threading
import time
import uuid
from contextlib import contextmanager

from messaging.channels.types.base import Outgoing
from messaging.channels.types.smpp.link import SmppChannel
from messaging.channels.types.smpp.testing import PASSWORD, SECONDS


def make_outgoing(number=0, **fields):
    known = {
        "attempt_id": uuid.uuid4(), "sender": "Signalbox", "recipient": f"+4477009{number:05d}", "body": "Hello",
        "encoding": "gsm7", "segments": 1, "reference": number % 65_535 + 1,
    }  # fmt: skip
    return Outgoing(**{**known, **fields})


def make_batch(count):
    return [make_outgoing(number) for number in range(count)]


@contextmanager
def opened(port, *, on_inbound=None, on_leaving=None, on_answers=None, **config):
    known = {
        "host": "127.0.0.1", "port": port, "system_id": "demo", "password": PASSWORD, "reconnect_seconds": 0.02,
        "response_timeout_seconds": 0.3,
    }  # fmt: skip
    channel = SmppChannel({**known, **config}, on_inbound=on_inbound, on_leaving=on_leaving, on_answers=on_answers)
    channel.open()
    try:
        yield channel
    finally:
        channel.close()


def wait_for_bind(carrier):
    return carrier.bound.get(timeout=SECONDS)


def until(is_so):
    """Poll what has no event of its own; the deadline is what fails, never the pace."""
    deadline, pause = time.monotonic() + SECONDS, threading.Event()
    while not is_so():
        assert time.monotonic() < deadline, "it did not come true in time"
        pause.wait(0.005)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
