"""Web and workers are told to begin anew while messages pour in: every request is answered, every message sent once."""

import http.client
import json
import os
import signal
import tempfile
import threading
from collections import Counter
from pathlib import Path

import pytest

from portal.stack.ports import HOST
from portal.stack.welcome import ACCOUNTS, read_accounts
from tests.chaos import judge
from tests.chaos.house import House, started, wait_until

CLIENTS, SECONDS = 4, 240
UNKNOWN = 4
WORKERS = ("worker-dispatch", "worker-engine", "worker-default", "worker-campaigns", "worker-hooks", "beat")


class Senders:
    """Good clients that ask once.  A message each, each to a number of its own."""

    def __init__(self, house: House, key: str) -> None:
        self.house, self.key = house, key
        self.accepted: dict[str, str] = {}
        self.trouble: list[str] = []
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._go_on, args=(place,)) for place in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _go_on(self, place: int) -> None:
        number = 0
        while not self._stopped.is_set():
            number += 1
            try:
                self._send(f"+86138{place:02d}{number:06d}")
            except Exception as error:
                self.trouble.append(repr(error))

    def _send(self, number: str) -> None:
        wanted = {"to": number, "template": "Order shipped", "sender": "Meadowlark", "variables": {"order": "88213"}}
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", "Idempotency-Key": number}
        connection = http.client.HTTPConnection(HOST, self.house.port, timeout=30)
        try:
            connection.request("POST", "/api/v1/messages", json.dumps(wanted), headers)
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
        if answer.status == http.HTTPStatus.ACCEPTED:
            self.accepted[number] = json.loads(said)["messages"][0]["id"]
        else:
            self.trouble.append(f"{answer.status}: {said[:200]!r}")


@pytest.fixture
def house():
    with tempfile.TemporaryDirectory(prefix="reload-", dir=os.environ.get("SIGNALBOX_VAR")) as folder:
        Path(folder).chmod(0o711)
        with started(Path(folder) / "house") as house:
            yield house


@pytest.mark.whole_house
def test_beginning_anew_under_load_turns_nobody_away_and_sends_everything_once(house):
    [key] = [one["password"] for one in read_accounts(house.var / ACCOUNTS) if one["kind"] == "live_key"]
    senders = Senders(house, key)
    try:
        for change in (reload_web, *[lambda _, name=name: restart(house, name) for name in WORKERS], reload_web):
            go_on(senders)
            change(house)
        go_on(senders)
    finally:
        senders.stop()

    assert senders.trouble == []
    wait_until(lambda: final(house) == len(senders.accepted), seconds=SECONDS, what="every message is final")
    assert {number: str(id) for id, number, _status in stored(house)} == senders.accepted
    assert set(sent_by_carrier(house).values()) == {1}
    assert sent_by_carrier(house).keys() == senders.accepted.keys()
    assert house.rows("SELECT count(*) FROM engine_attempt WHERE outcome = %s", [UNKNOWN]) == [(0,)]
    assert judge.books(house) == []


def go_on(senders: Senders, *, count: int = 40) -> None:
    """So many more messages."""
    wanted = len(senders.accepted) + len(senders.trouble) + count
    wait_until(
        lambda: len(senders.accepted) + len(senders.trouble) >= wanted, seconds=SECONDS, what="messages are accepted"
    )


def reload_web(house: House) -> None:
    log = house.var / "log" / "web.log"
    before = log.read_text().count("Stopping worker-")
    os.kill(house.pids["web"], signal.SIGHUP)
    wait_until(
        lambda: log.read_text().count("Stopping worker-") > before, seconds=SECONDS, what="the old web process stops"
    )


def restart(house: House, name: str) -> None:
    old = house.pids[name]
    os.kill(old, signal.SIGTERM)
    wait_until(lambda: house.pids[name] != old, seconds=SECONDS, what=f"{name} is started again")


def stored(house: House) -> list[tuple]:
    return house.rows("SELECT id, recipient, status FROM engine_message")


def final(house: House) -> int:
    return sum(status >= judge.FIRST_FINAL for _id, _number, status in stored(house))


def sent_by_carrier(house: House) -> Counter:
    """How often the carrier took each number."""
    lines = [json.loads(line) for line in house.carrier_log.read_text().splitlines()]
    return Counter(f"+{line['destination'].lstrip('+')}" for line in lines if not line["status"])
