"""How fast one carrier is served while others, slow ones, have work for the same process.

    .venv/bin/python bench/several.py [--slow 4] [--messages 60000] [--answer-delay 0.2]

Load b, alone first.  Then another organisation's promotions wait for so many carriers of our own that each answer after a
while, and load b again while these are at it.  Printed: what was settled a second both times, their ratio, and what each
slow carrier took a second beside what its window allows.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import report  # noqa: E402
from bench.carrier import Mood, told_since  # noqa: E402
from bench.generator import Volley, fire  # noqa: E402
from bench.house import ROOT, House, WentWrong, enter, house, wait_until  # noqa: E402
from bench.loads import Task, many_a_request  # noqa: E402
from bench.runs import Bench, Result  # noqa: E402
from bench.sender import fund, make_promoter  # noqa: E402
from bench.statements import Database  # noqa: E402
from bench.verification import set_channel_active  # noqa: E402

VAR = ROOT / "var" / "bench" / "house"
#: Each slow carrier's window, so that what it can take a second is known.
WINDOW = 10
#: Slow carriers have work for so many seconds: longer than the load beside them takes.
SECONDS_OF_WORK = 90
CHECK_SECONDS = 600


@dataclass(frozen=True)
class SlowCarrier:
    """A carrier process of ours that answers each submit after a while."""

    name: str
    port: int
    log: Path

    def taken_since(self, offset: int) -> int:
        return told_since(self.log, offset).submits if self.log.exists() else 0

    @property
    def log_size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0


@contextmanager
def slow_carriers(count: int, *, answer_delay: float, folder: Path) -> Iterator[list[SlowCarrier]]:
    from portal.stack.ports import any_free

    rules = folder / "slow-rules.json"
    rules.write_text(json.dumps({"default": {"answer_delay": answer_delay, "receipt_delay": 1.0}}))
    made = [SlowCarrier(f"slow {place}", any_free(), folder / f"slow-{place}.jsonl") for place in range(count)]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "portal.stack.carrier", "--port", str(one.port), "--log", str(one.log),
             "--rules", str(rules)],
            cwd=ROOT, env=dict(os.environ), stdout=subprocess.DEVNULL,
        )
        for one in made
    ]  # fmt: skip
    try:
        yield made
    finally:
        for process in running:
            process.terminate()
            process.wait(30)


def connect(carriers: list[SlowCarrier]) -> list[str]:
    """A channel to each, bound; their ids."""
    from accounts.models import Organisation
    from kit import tenancy
    from messaging.channels.actions import create_channel
    from messaging.channels.models import Bind
    from portal.site.demo.world import carrier_settings

    with tenancy.as_engine():
        operator = Organisation.objects.get(kind=Organisation.Kind.OPERATOR)
    with operator.scope():
        ids = [
            create_channel(
                organisation=operator, name=one.name, type="smpp", config={**carrier_settings(), "port": one.port},
                window=WINDOW,
            ).pk
            for one in carriers
        ]  # fmt: skip

    def are_bound() -> bool:
        with tenancy.as_engine():
            return Bind.objects.filter(channel__in=ids, state="bound").values("channel").distinct().count() == len(ids)

    wait_until(are_bound, 60, "the slow carriers' channels are bound")
    return [str(id) for id in ids]


def give_work(found: House, database: Database, channels: list[str], *, messages: int, first: int) -> None:
    """As many promotions for each of the channels, accepted while nothing leaves and led there."""
    set_channel_active(False, besides=channels)
    promoter = make_promoter(found, messages=messages * len(channels))
    task = Task(found.web_port, promoter, messages * len(channels), first, 300)
    answers = fire(Volley(task.port, 4, many_a_request(task, 500), limit=task.limit))
    if answers.refusals:
        raise WentWrong(answers.refusals[0])
    for channel in channels:
        database.execute(
            "WITH led AS (UPDATE engine_queueentry SET channel_id = %s WHERE message_id IN (SELECT message_id"
            " FROM engine_queueentry WHERE channel_id <> ALL(%s::uuid[]) LIMIT %s) RETURNING message_id)"
            " UPDATE engine_message m SET channel_id = %s FROM led WHERE m.id = led.message_id",
            channel, channels, messages, channel,
        )  # fmt: skip
    set_channel_active(True, besides=channels)


def measure(found: House, asked: argparse.Namespace) -> tuple[Result, Result, list[float]]:
    enter(found)
    sender = fund(found, messages=asked.messages * 2)
    with (
        Database(found.admin_dsn) as database,
        slow_carriers(asked.slow, answer_delay=asked.answer_delay, folder=found.var) as carriers,
    ):
        bench = Bench(found, database, mood=Mood(receipt_delay=1.0))
        alone = bench.run("b", bench.task(sender, messages=asked.messages, limit=300))
        work = int(SECONDS_OF_WORK * WINDOW / asked.answer_delay)
        channels, first = connect(carriers), bench.next_number
        bench.next_number += work * len(carriers)
        give_work(found, database, channels, messages=work, first=first)
        wait_until(lambda: all(one.log_size for one in carriers), 60, "every slow carrier is at it")
        before, began = [one.log_size for one in carriers], time.monotonic()
        beside = bench.run("b", bench.task(sender, messages=asked.messages, limit=300))
        seconds = time.monotonic() - began
        taken = [one.taken_since(offset) / seconds for one, offset in zip(carriers, before, strict=True)]
        wait_until(lambda: not database.one("SELECT count(*) FROM engine_queueentry"), 900, "the slow ones are done")
    return alone, beside, taken


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slow", type=int, default=4, help="how many slow carriers")
    parser.add_argument("--messages", type=int, default=60_000)
    parser.add_argument("--answer-delay", type=float, default=0.2, help="seconds a slow carrier takes to answer")
    parser.add_argument("--port", type=int, default=8101)
    parser.add_argument("--json", type=Path, metavar="FILE")
    asked = parser.parse_args()
    print(report.machine())
    try:
        with house(VAR, port=asked.port) as found:
            alone, beside, taken = measure(found, asked)
            found.command("check_books", seconds=CHECK_SECONDS)
    except WentWrong as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    problems = alone.problems + beside.problems
    possible = WINDOW / asked.answer_delay
    print(f"alone:  {alone.settled:,.0f} settled/s; others took {alone.foreign_cores:.2f} cores")
    print(f"beside: {beside.settled:,.0f} settled/s, {beside.settled / alone.settled:.2f} times; the slow ones took "
          + ", ".join(f"{rate:.0f}" for rate in taken) + f" a second each of {possible:.0f} their windows allow")  # fmt: skip
    for problem in problems:
        print(f"FAILED: {problem}", file=sys.stderr)
    if asked.json:
        facts = {"alone": alone.settled, "beside": beside.settled, "slow": taken, "possible": possible}
        report.write(asked.json, "several", facts)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
