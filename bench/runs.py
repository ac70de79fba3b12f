"""One run of a load through a house: sent, waited for, measured, and checked against the carrier and the books."""

import statistics
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from bench import carrier
from bench.carrier import Mood
from bench.generator import percentile
from bench.house import House, WentWrong, wait_until
from bench.loads import LOADS, Sent, Task
from bench.processes import Memory, Meter, Usage
from bench.statements import Asked, Database

FINAL, DELIVERED = 90, 90


@dataclass
class Result:
    """Everything a run showed.  Rates are messages a second from the first request (for campaigns: from its start)."""

    load: str
    messages: int
    accepted: float
    submitted: float
    settled: float
    p50: float
    p99: float
    cpu: dict[str, float]
    cores: float
    memory_peak: float
    memory_thirds: dict[str, tuple[float, float]]
    round_trips: float
    transactions: float
    foreign_cores: float
    is_fit: bool
    problems: list[str]
    told: str
    generator_cores: float
    when: str
    dearest: list[dict[str, Any]] = field(default_factory=list)
    extra: dict[str, float] = field(default_factory=dict)
    memory_before: dict[str, float] = field(default_factory=dict)


class Bench:
    """A house under load; runs follow each other in it, each with numbers of its own."""

    def __init__(self, house: House, database: Database, *, mood: Mood, first: int = 0) -> None:
        self.house = house
        self.database = database
        self.mood = mood
        self.next_number = first
        carrier.control(house.control_port, "POST", "/rules", mood.rules())

    def run(self, load: str, task: Task) -> Result:
        """Run one load to its end.  Raises WentWrong when it does not come to one within the task's limit."""
        fire = LOADS[load](task)
        witness = Witness(self)
        meter, before = Meter(lambda: self.house.pids), self.database.forget()
        with Memory(lambda: self.house.pids) as memory:
            sent = fire()
            witness.wait(task)
        usage = meter.read()
        asked = self.database.asked(transactions_before=before)
        submitted, settled = witness.moments()
        return Result(
            load=load,
            messages=task.messages,
            accepted=task.messages / (sent.accepted - sent.began),
            submitted=task.messages / (submitted - sent.began),
            settled=task.messages / (settled - sent.began),
            cpu=usage.per_message(task.messages),
            memory_peak=memory.peak,
            memory_before=memory.before,
            memory_thirds=memory.thirds(since=sent.began),
            problems=witness.problems(task),
            told=str(witness.told),
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            **costs(task, sent, usage, asked),
        )

    def task(self, sender: Any, *, messages: int, limit: float, connections: int = 0) -> Task:
        """The next so many numbers, so that a submit in the carrier's log belongs to one run."""
        first, self.next_number = self.next_number, self.next_number + messages
        return Task(self.house.web_port, sender, messages, first, limit, connections)


def costs(task: Task, sent: Sent, usage: Usage, asked: Asked) -> dict[str, Any]:
    return {
        "p50": percentile(sent.latencies, 0.5) * 1000,
        "p99": percentile(sent.latencies, 0.99) * 1000,
        "cores": sum(usage.by_part.values()) / usage.seconds,
        "round_trips": asked.round_trips / task.messages,
        "transactions": asked.transactions / task.messages,
        "foreign_cores": usage.foreign_cores,
        "is_fit": usage.is_fit,
        "generator_cores": sent.extra.get("generator_cpu", 0.0) / (sent.accepted - sent.began),
        "dearest": [asdict(one) for one in asked.dearest],
        "extra": sent.extra,
    }


class Witness:
    """Who can say what became of a run: the carrier, its log, and the database."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.database = bench.database
        self.first_id = self.database.one(
            "SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid"
        )
        self.acknowledged = self._stats().get("receipts_acknowledged", 0)
        log = bench.house.carrier_log
        self.offset = log.stat().st_size if log.exists() else 0
        self.told = carrier.Told(0, 0, 0)

    def _stats(self) -> dict[str, int]:
        return carrier.control(self.bench.house.control_port, "GET", "/stats")

    def wait(self, task: Task) -> None:
        """Until every receipt is acknowledged and every message final.  The database is asked only at the end: asking
        costs what is being measured."""
        wanted = self.acknowledged + task.messages
        wait_until(
            lambda: self._stats().get("receipts_acknowledged", 0) >= wanted, task.limit,
            f"the carrier's receipts are acknowledged (now {self._counts()})",
        )  # fmt: skip
        wait_until(lambda: self._unfinished(task) == 0, task.limit, f"all are final (now {self._counts()})")

    def _unfinished(self, task: Task) -> int:
        total, final = self.database.rows(
            "SELECT count(*), count(*) FILTER (WHERE status >= %s) FROM engine_message WHERE id >= %s",
            FINAL, self.first_id,
        )[0]  # fmt: skip
        return max(task.messages, total) - final

    def _counts(self) -> dict[int, int]:
        return dict(
            self.database.rows("SELECT status, count(*) FROM engine_message WHERE id >= %s GROUP BY 1", self.first_id)
        )

    def moments(self) -> tuple[float, float]:
        """When the last message was handed over and when the last was settled, by the database's clock."""
        query = "SELECT max(submitted_at), max(final_at) FROM engine_message WHERE id >= %s"
        submitted, settled = self.database.rows(query, self.first_id)[0]
        if submitted is None or settled is None:
            raise WentWrong("nothing was handed over")
        return submitted.timestamp(), settled.timestamp()

    def problems(self, task: Task) -> list[str]:
        """Where carrier, database and arithmetic disagree; empty when they don't."""
        self.told = carrier.told_since(self.bench.house.carrier_log, self.offset)
        expected = task.messages - self.bench.mood.undelivered_of(task.numbers)
        counts = self._counts()
        found = []
        if (self.told.submits, self.told.numbers, self.told.twice) != (task.messages, task.messages, 0):
            found.append(f"the carrier's log says {self.told}, {task.messages} were sent")
        if counts.get(DELIVERED, 0) != expected or sum(counts.values()) != task.messages:
            found.append(f"{expected} of {task.messages} were deliverable, states are {counts}")
        return found


def median_of(results: list[Result], figure: str) -> float:
    return statistics.median(getattr(result, figure) for result in results)
