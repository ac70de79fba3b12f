"""A customer, the carriers that serve it, and workers as they are, but for their processes."""

import threading
import time
from collections import Counter
from contextlib import contextmanager

from django.db import connection

from kit.sql import rows, run
from messaging.channels import runtime
from messaging.channels.actions import add_route, create_channel
from messaging.channels.types.smpp.testing import PASSWORD, scripted_carrier
from messaging.engine.dispatch import drain, reroute_waiting
from messaging.engine.models import Message, QueueEntry
from messaging.engine.states import Status
from messaging.engine.tests.factories import make_world
from tests.never_wrong.witnesses import Witness

WINDOW = 4
#: Only a broken house takes so long; a busy machine does not.
LONGEST_SECONDS = 40


class Town:
    """A customer, and two carriers that serve its destination: the first is preferred."""

    def __init__(self, carriers, *, serves=("", ""), patience=0.4):
        self.patience = patience
        self.witnesses = [carrier.on_submit for carrier in carriers]
        self.first, self.second = self.witnesses
        self.world = make_world()
        self.first_id, self.second_id = (
            self._connect(carrier.port, priority, country)
            for priority, (carrier, country) in enumerate(zip(carriers, serves, strict=True), start=1)
        )

    def _connect(self, port, priority, country):
        config = {
            "host": "127.0.0.1", "port": port, "system_id": "us", "password": PASSWORD, "reconnect_seconds": 0.02,
            "response_timeout_seconds": self.patience, "queue_seconds": 0.1,
        }  # fmt: skip
        operator = self.world.operator
        with operator.scope():
            channel = create_channel(
                organisation=operator, name=f"Carrier {priority}", type="smpp", config=config, window=WINDOW
            )
            add_route(channel=channel, country=country, priority=priority)
        return channel.pk

    def alone(self):
        """Only these two carry anything."""
        run("DELETE FROM channels_route WHERE channel_id = %s", [self.world.channel.pk])

    def twice(self):
        often = Counter(number for witness in self.witnesses for number in witness.may_arrive)
        return [number for number, count in often.items() if count > 1]

    def invented(self):
        """What we say was sent though no carrier said so."""
        sent = set(Message.objects.filter(status=Status.SUBMITTED).values_list("recipient", flat=True))
        return sent - self.first.taken - self.second.taken

    def miscounted(self):
        """Channels by which other numbers of messages are counted than there are."""
        counted = dict(rows("SELECT channel_id, sum(messages) FROM engine_trafficcount WHERE status = 20 GROUP BY 1"))
        there = Counter(Message.objects.values_list("channel_id", flat=True))
        return {id for id in counted.keys() | there.keys() if counted.get(id, 0) != there[id]}


@contextmanager
def town(**options):
    """Two carriers that are well, on the only ways there are."""
    with scripted_carrier(Witness()) as first, scripted_carrier(Witness()) as second:
        made = Town([first, second], **options)
        made.carrier = first
        made.alone()
        yield made


@contextmanager
def at_work(town):
    """Workers as they are, but for their processes: the channels are kept, drained and swept all the time."""
    stop = threading.Event()

    def work(channel_id):
        try:
            while not stop.is_set():
                drain(channel_id=channel_id, turn_seconds=0.5)
                stop.wait(0.01)
        finally:
            connection.close()

    keeper = runtime.Keeper()
    workers = [threading.Thread(target=work, args=(id,)) for id in (town.first_id, town.second_id)]
    for thread in [keeper, *workers]:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        keeper.stop()
        for thread in [keeper, *workers]:
            thread.join()


def nothing_waits():
    return not QueueEntry.objects.exists() and not rows("SELECT 1 FROM engine_claim")


def swept_until(is_so):
    """Sweep, and let what is to be tried again be due at once, until it is so."""
    deadline, pause = time.monotonic() + LONGEST_SECONDS, threading.Event()
    while not is_so():
        assert time.monotonic() < deadline, "it did not come true in time"
        reroute_waiting()
        run("UPDATE engine_queueentry SET due_at = now() WHERE due_at > now() AND due_at < now() + interval '1 day'")
        pause.wait(0.005)
