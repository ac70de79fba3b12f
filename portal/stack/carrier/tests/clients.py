"""What speaks to the demo carrier in its tests: our own channel, a batch for it, and somewhere for its news."""

import queue
import threading
import uuid
from contextlib import contextmanager

from messaging.channels.types.base import Outgoing
from messaging.channels.types.smpp.link import SmppChannel

SECONDS = 5


def make_batch(count, prefix="+861380013"):
    return [
        Outgoing(uuid.uuid4(), "Signalbox", f"{prefix}{number:04d}", f"Hello {number}", "gsm7", 1, number + 1)
        for number in range(count)
    ]


@contextmanager
def opened(carrier, *, on_inbound=None, **config):
    known = {
        "host": "127.0.0.1", "port": carrier.port, "system_id": "demo", "password": "demo1234",
        "reconnect_seconds": 0.02, "response_timeout_seconds": 0.5,
    }  # fmt: skip
    channel = SmppChannel({**known, **config}, on_inbound=on_inbound)
    channel.open()
    try:
        yield channel
    finally:
        channel.close()


class Mailbox:
    """Stores news, refusing the first `failures` batches."""

    def __init__(self, failures=0):
        self.news, self.failures = queue.SimpleQueue(), failures

    def __call__(self, news):
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the database is away")
        for one in news:
            self.news.put(one)

    def receipts(self, channel, count):
        return [channel.parse_receipt(self.news.get(timeout=SECONDS).raw) for _ in range(count)]


def until(is_so):
    deadline = threading.Event()
    for _ in range(1_000):
        if is_so():
            return
        deadline.wait(0.005)
    raise AssertionError("it did not come true in time")
