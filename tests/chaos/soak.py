"""bin/soak: ten times what callers may ask for, then half of it for hours; nothing lost, nothing grows."""

import argparse
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.chaos import carriers, judge, story
from tests.chaos.callers import Callers
from tests.chaos.growth import Looks
from tests.chaos.house import House, TooLate, started, wait_until

CUSTOMERS = 4
MESSAGES_A_REQUEST = 5
TOO_MUCH, STEADY = 10, 0.5
#: Wide enough for the carriers to take what may be accepted, though one process drains all of them turn by turn.
WINDOW = 20
#: What waits is at most what may be accepted in so many seconds.
MOST_WAITING_SECONDS = 30


@dataclass(frozen=True)
class Load:
    """How much is offered and for how long.  `per_second` is what all callers together may ask for."""

    per_second: int
    overload_seconds: float
    steady_seconds: float

    @property
    def of_one(self) -> int:
        return max(1, self.per_second // CUSTOMERS)

    @property
    def most_waiting(self) -> int:
        return self.per_second * MESSAGES_A_REQUEST * MOST_WAITING_SECONDS


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="bin/soak", description="Overrun a house of its own, then keep it at work for hours and see what grows."
    )
    parser.add_argument("--hours", type=float, default=4.0, help="how long at half the rate")
    parser.add_argument("--minutes", type=float, default=0.0, help="the same in minutes, instead of hours")
    parser.add_argument("--overload-minutes", type=float, default=5.0, help="how long at ten times the rate")
    parser.add_argument("--rate", type=int, default=20, help="requests a second the callers together may make")
    parser.add_argument("--keep", action="store_true", help="keep the house's folder, with its logs")
    asked = parser.parse_args()
    steady = asked.minutes * 60 if asked.minutes else asked.hours * 3_600
    load = Load(max(CUSTOMERS, asked.rate), asked.overload_minutes * 60, steady)
    folder = Path(tempfile.mkdtemp(prefix="soak-", dir=os.environ.get("SIGNALBOX_VAR")))
    folder.chmod(0o711)
    limit = {"SIGNALBOX_API_REQUESTS_PER_SECOND": str(load.of_one)}
    try:
        with started(folder / "house", **limit) as house, carriers.running(folder / "carriers") as three:
            return report(house, three, load)
    finally:
        if not asked.keep:
            shutil.rmtree(folder, ignore_errors=True)


def report(house: House, three: carriers.Carriers, load: Load) -> int:
    began = time.monotonic()
    try:
        said, problems = play(house, three, load)
    except TooLate as error:
        said, problems = "", [repr(error)]
    verdict = "good" if not problems else f"BAD: {'; '.join(problems)}"
    sys.stdout.write(f"soak of {(time.monotonic() - began) / 60:.1f} min; {said}; {verdict}\n")
    return 1 if problems else 0


def play(house: House, three: carriers.Carriers, load: Load) -> tuple[str, list[str]]:
    """Overrun it, keep it at work, let it finish: what was counted, and every sentence about something that is off."""
    callers = Callers(house.port, story.prepared(house, three, window=WINDOW)[:CUSTOMERS], messages=MESSAGES_A_REQUEST)
    with Looks(lambda: house.pids, lambda: waiting_in(house)) as looks:
        callers.offer(per_second=load.per_second * TOO_MUCH, seconds=load.overload_seconds)
        overrun = callers.answers.turned_away
        looks.forget_memory()
        callers.offer(per_second=load.per_second * STEADY, seconds=load.steady_seconds)
    answers = callers.answers
    ended = time.monotonic()
    wait_until(
        lambda: story.is_over(house, three, answers.promises),
        seconds=story.PATIENCE_SECONDS,
        what="everything is final",
    )
    final_seconds = time.monotonic() - ended
    expired = story.three_days_later(house)
    verdict = judge.judge(house, three, answers.promises, final_seconds=final_seconds, expired=expired)
    problems = [*verdict.problems, *answers.problems, *looks.problems(most_waiting=load.most_waiting)]
    if not overrun and load.overload_seconds:
        problems.append("nobody was turned away though ten times too much was asked for")
    return f"{counts(callers, looks, overrun)}; {verdict.counts}", problems


def counts(callers: Callers, looks: Looks, overrun: int) -> str:
    answers = callers.answers
    grown = ", ".join(f"{part} {growth:+.1%}" for part, growth in list(looks.growth.items())[:3])
    return (
        f"{len(answers.promises.seconds)} requests accepted, {overrun} turned away while it was too much and"
        f" {answers.turned_away - overrun} afterwards, {answers.later} told to come back; at most"
        f" {max(looks.waiting, default=0)} messages waited; grown most an hour: {grown}"
    )


def waiting_in(house: House) -> int | None:
    """Messages that wait to leave and receipts that wait to be applied; None while the database is away."""
    found = house.rows(
        "SELECT (SELECT count(*) FROM engine_queueentry)"
        " + (SELECT count(*) FROM engine_deliveryreceipt WHERE folded_at IS NULL)"
    )
    return found[0][0] if found else None


if __name__ == "__main__":
    sys.exit(main())
