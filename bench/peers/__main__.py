"""Signalbox and Kannel through the same load and the same carrier program, in the same sitting, turn by turn.

    .venv/bin/python -m bench.peers                       three runs each
    .venv/bin/python -m bench.peers --runs 1 --messages 5000

Installs Debian's `kannel` and `kannel-extras` where it may.  Kannel runs with a window of 100, wholly in memory and with
its receipts' whereabouts in PostgreSQL (ours, durable); it takes one message a request over 32 kept-alive connections and
calls back for each receipt.  Signalbox takes its loads a, b and c (bench/throughput.py) with a house that stays up
between its turns.  CPU is that of each peer's own processes, its database included.  Receipts come right behind their
submits' answers, which suits Kannel best; `--receipt-delay 0 1` compares with receipts after a second as well.  Noisy and
failed runs are repeated, a few times at most.  What is written for Kannel stays in var/bench/peers.
"""

import argparse
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench import report
from bench.carrier import Mood
from bench.house import ROOT, WentWrong, enter, house
from bench.peers import kannel
from bench.peers.contest import Showing, run_kannel
from bench.runs import Bench
from bench.sender import fund
from bench.statements import Database

VAR = ROOT / "var" / "bench" / "house"
KANNELS = {"kannel-internal": "internal", "kannel-pgsql": "pgsql"}
#: Who is compared with whom, in messages told back a second, and what we want to reach.
RATIOS = [
    ("signalbox-b", "kannel-internal", 1.2), ("signalbox-b", "kannel-pgsql", 3.5),
    ("signalbox-c", "kannel-internal", 1.2), ("signalbox-c", "kannel-pgsql", 3.5),
    ("signalbox-a", "kannel-pgsql", 0.75),
]  # fmt: skip
#: Measured earlier on a quiet machine of this kind; too slow and too large to install for each sitting.
JASMIN_TUNED = 305


def read_arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--retries", type=int, default=4, help="how many noisy runs are repeated in all")
    parser.add_argument("--messages", type=int, default=30_000, help="of each run but those of load c")
    parser.add_argument("--campaign", type=int, default=100_000, help="messages of load c")
    parser.add_argument("--loads", default="abc", help="which of our loads take part; none when empty")
    parser.add_argument("--limit", type=float, default=120, help="seconds a run may take")
    parser.add_argument(
        "--receipt-delay", type=float, nargs="+", default=[0.0], metavar="SECONDS",
        help="the carrier's, for everybody; a contest for each when there are several",
    )  # fmt: skip
    parser.add_argument("--port", type=int, default=8101)
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args(words)


@dataclass
class Patience:
    """How many turns may still be repeated in a sitting, and what went wrong in it so far."""

    retries: int
    failures: list[str] = field(default_factory=list)

    def fit(self, name: str, turn: Callable[[], Showing]) -> Showing | None:
        """The first turn on a machine of its own; the last one when patience is at its end, None when that failed."""
        while True:
            showing = self._attempt(name, turn)
            if (showing and showing.is_fit) or not self.retries:
                return showing
            self.retries -= 1
            if showing:
                print(f"  {line(showing)}  (others took {showing.foreign_cores:.2f} cores: thrown away)", flush=True)

    def _attempt(self, name: str, turn: Callable[[], Showing]) -> Showing | None:
        try:
            return turn()
        except (WentWrong, OSError, subprocess.SubprocessError) as error:
            self.failures.append(f"{name}: {error}")
            print(f"  {name} FAILED: {error}", file=sys.stderr, flush=True)
            return None


def alternate(turns: Mapping[str, Callable[[], Showing]], *, runs: int, patience: Patience) -> dict[str, list[Showing]]:
    """Round after round everybody has a turn.  A noisy one is repeated while patience lasts, then kept; a failed one
    is repeated likewise, then left out."""
    showings: dict[str, list[Showing]] = {name: [] for name in turns}
    for number in range(1, runs + 1):
        for name, turn in turns.items():
            if showing := patience.fit(name, turn):
                showings[name].append(showing)
                print(f"{number} {line(showing)}", flush=True)
    return showings


def line(showing: Showing) -> str:
    return (
        f"{showing.name:<16} told back {showing.told_back:7,.0f}/s  submitted {showing.submitted:7,.0f}/s  accepted "
        f"{showing.accepted:7,.0f}/s  own CPU {showing.ours:6,.0f} µs  p50/p99 {showing.p50:.1f}/{showing.p99:.0f} ms  "
        f"{showing.memory:5.0f} MiB  foreign {showing.foreign_cores:.2f}, idle house {showing.idle_cores:.2f}"
    )


def medians(showings: dict[str, list[Showing]]) -> dict[str, tuple[float, float]]:
    """Messages told back a second and own CPU of each contestant; of the fit runs, or of all where none was fit."""
    chosen = {name: [one for one in found if one.is_fit] or found for name, found in showings.items() if found}
    return {
        name: (statistics.median(one.told_back for one in found), statistics.median(one.ours for one in found))
        for name, found in chosen.items()
    }


def verdict(showings: dict[str, list[Showing]], *, delay: float = 0.0) -> str:
    found = medians(showings)
    lines = ["", f"medians, receipts {f'after {delay:g} s' if delay else 'at once'}:"]
    for name, (rate, cpu) in found.items():
        rates = [one.told_back for one in showings[name]]
        fit = sum(one.is_fit for one in showings[name])
        lines.append(
            f"  {name:<16} {rate:7,.0f}/s [{min(rates):,.0f}-{max(rates):,.0f}]  {cpu:6,.0f} µs  ({fit} of {len(rates)} fit)"
        )
    lines.append("ratios of messages told back a second, and of own CPU a message:")
    for ours, theirs, wanted in RATIOS:
        if ours in found and theirs in found:
            (rate, cpu), (their_rate, their_cpu) = found[ours], found[theirs]
            reached = "reached" if rate / their_rate >= wanted else "not reached"
            lines.append(
                f"  {ours} / {theirs:<16} {rate / their_rate:5.2f}  (wanted {wanted}: {reached})  CPU {cpu / their_cpu:.2f}"
            )
    if "signalbox-a" in found:
        lines.append(
            f"  signalbox-a / tuned Jasmin {found['signalbox-a'][0] / JASMIN_TUNED:5.2f}  (wanted 3; Jasmin's "
            f"{JASMIN_TUNED}/s was measured in an earlier sitting on such a machine)"
        )
    return "\n".join(lines)


def signalbox_turn(bench: Bench, sender, load: str, asked: argparse.Namespace) -> Callable[[], Showing]:
    messages = asked.campaign if load == "c" else asked.messages

    def turn() -> Showing:
        result = bench.run(load, bench.task(sender, messages=messages, limit=asked.limit))
        if result.problems:
            raise WentWrong("; ".join(result.problems))
        return Showing(
            f"signalbox-{load}", result.settled, result.submitted, result.accepted, result.cpu["ours"], result.cpu,
            result.p50, result.p99, result.memory_peak, result.foreign_cores, result.is_fit,
        )  # fmt: skip

    return turn


def kannel_turns(
    asked: argparse.Namespace, mood: Mood, idle: Callable[[], Mapping[str, int]] = dict
) -> dict[str, Callable[[], Showing]]:
    return {
        name: partial(run_kannel, storage, messages=asked.messages, mood=mood, limit=asked.limit, idle=idle)
        for name, storage in KANNELS.items()
    }


@contextmanager
def contestants(asked: argparse.Namespace) -> Iterator[Callable[[Mood], dict[str, Callable[[], Showing]]]]:
    """Everybody's turns under a mood of the carrier; a house of ours stays up for them when one of our loads takes part."""
    if not asked.loads:
        yield partial(kannel_turns, asked)
        return
    with house(VAR, port=asked.port) as found:
        enter(found)
        sender = fund(found, messages=money_for(asked))
        with Database(found.admin_dsn) as database:
            sent = 0

            def turns(mood: Mood) -> dict[str, Callable[[], Showing]]:
                nonlocal sent
                bench = Bench(found, database, mood=mood, first=sent)
                sent += money_for(asked)
                ours = {f"signalbox-{load}": signalbox_turn(bench, sender, load, asked) for load in asked.loads}
                return kannel_turns(asked, mood, lambda: found.pids) | ours

            yield turns
        found.command("check_books", seconds=300)


def money_for(asked: argparse.Namespace) -> int:
    """More messages than a sitting can come to send."""
    return (2 * asked.messages + asked.campaign) * (asked.runs + asked.retries) * len(asked.receipt_delay)


def measure(asked: argparse.Namespace, patience: Patience) -> dict[float, dict[str, list[Showing]]]:
    """The showings of a contest for each of the carrier's delays."""
    kannel.install()
    showings = {}
    with contestants(asked) as turns:
        for delay in asked.receipt_delay:
            print(f"receipts {f'after {delay:g} s' if delay else 'at once'}", flush=True)
            showings[delay] = alternate(turns(Mood(delay)), runs=asked.runs, patience=patience)
    return showings


def main() -> int:
    asked = read_arguments()
    print(report.machine())
    patience = Patience(asked.retries)
    try:
        showings = measure(asked, patience)
    except WentWrong as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    for delay, found in showings.items():
        print(verdict(found, delay=delay))
    if asked.json:
        contests = [
            {"receipt_delay": delay, "showings": found, "medians": medians(found)} for delay, found in showings.items()
        ]
        report.write(asked.json, "peers", {"contests": contests, "failures": patience.failures})
    for failure in patience.failures:
        print(f"FAILED, and repeated while retries lasted: {failure}", file=sys.stderr)
    return 1 if patience.failures else 0


if __name__ == "__main__":
    sys.exit(main())
