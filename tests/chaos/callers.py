"""Callers that keep a pace of their own, whatever they are answered: what was accepted, turned away and told to come back."""

import http.client
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from portal.stack.ports import HOST
from tests.chaos.clients import PATIENCE_SECONDS, PAUSE_SECONDS, Promises

CONNECTIONS = 8
ANSWER_SECONDS = 30
#: Who falls behind by more than this lets it be: the pace is an offer, not a debt.
BEHIND_SECONDS = 1.0
ACCEPTED, TURNED_AWAY, UNAVAILABLE = 202, 429, 503
NUMBERS = ("+86138{:08d}", "+447400{:06d}", "+491512{:07d}")


@dataclass
class Answers:
    """What callers were told."""

    promises: Promises = field(default_factory=Promises)
    turned_away: int = 0
    later: int = 0
    without_retry_after: int = 0
    others: Counter = field(default_factory=Counter)

    @property
    def problems(self) -> list[str]:
        found = [f"{count} answers were {status}" for status, count in self.others.items()]
        if self.without_retry_after:
            found.append(f"{self.without_retry_after} answers said later without Retry-After")
        return found


class Callers:
    """Send requests of a few messages under the keys of `customers`, each number once."""

    def __init__(self, port: int, customers: Sequence[dict], *, messages: int) -> None:
        self.port, self.customers, self.messages = port, customers, messages
        self.answers = Answers()
        self._place = itertools.count()
        self._lock = threading.Lock()

    def offer(self, *, per_second: float, seconds: float) -> None:
        """So many requests a second over several connections; returns when the last one is answered."""
        until = time.monotonic() + seconds
        lanes = [
            threading.Thread(target=self._lane, args=(lane, CONNECTIONS / per_second, until), daemon=True)
            for lane in range(CONNECTIONS)
        ]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()

    def _lane(self, lane: int, pause: float, until: float) -> None:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=ANSWER_SECONDS)
        due = time.monotonic() + pause * lane / CONNECTIONS
        while due < until:
            time.sleep(max(0.0, due - time.monotonic()))
            self._ask(connection, self.customers[lane % len(self.customers)])
            due = max(due + pause, time.monotonic() - BEHIND_SECONDS)
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, customer: dict) -> None:
        """One request, the same again until it is known what became of it."""
        with self._lock:
            places = [next(self._place) for _ in range(self.messages)]
        numbers = [NUMBERS[place % len(NUMBERS)].format(place // len(NUMBERS)) for place in places]
        messages = [{"to": number, "variables": {"name": "Ada"}} for number in numbers]
        body = json.dumps({"template": customer["notice"], "sender": customer["sender"], "messages": messages})
        headers = {
            "Authorization": f"Bearer {customer['key']}",
            "Idempotency-Key": f"soak:{places[0]}",
            "Content-Type": "application/json",
        }
        until = time.monotonic() + PATIENCE_SECONDS
        while not self._is_answered(connection, body, headers):
            if time.monotonic() > until:
                self._count(others="none for a long time")
                return
            time.sleep(PAUSE_SECONDS)

    def _is_answered(self, connection: http.client.HTTPConnection, body: str, headers: dict[str, str]) -> bool:
        began = time.monotonic()
        try:
            connection.request("POST", "/api/v1/messages", body, headers)
            answer = connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()  # the next request opens it anew
            self._count(later=1)
            return False
        if answer.status == ACCEPTED:
            self._keep(json.loads(said)["messages"], time.monotonic() - began)
        elif answer.status in (TURNED_AWAY, UNAVAILABLE):
            is_told_when = (answer.headers.get("Retry-After") or "").isdigit()
            is_later = answer.status == UNAVAILABLE
            self._count(turned_away=not is_later, later=is_later, without_retry_after=not is_told_when)
            return not is_later
        else:
            self._count(others=answer.status)
        return True

    def _keep(self, messages: list[dict], seconds: float) -> None:
        with self._lock:
            self.answers.promises.messages.update((message["to"], message["id"]) for message in messages)
            self.answers.promises.seconds.append(seconds)

    def _count(self, *, others: object = None, **counts: int) -> None:
        with self._lock:
            for name, count in counts.items():
                setattr(self.answers, name, getattr(self.answers, name) + count)
            if others is not None:
                self.answers.others[others] += 1
            self.answers.promises.repeated = self.answers.later
