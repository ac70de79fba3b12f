"""Signalbox and Kannel through the same load and the same carrier program, in the same sitting, turn by turn.

    .venv/bin/python -m bench.peers                       three runs each
    .venv/bin/python -m bench.peers --runs 1 --messages 5000

Installs Debian's `kannel` and `kannel-extras` where it may.  Kannel runs with a window of 100, wholly in memory and with
its receipts' whereabouts in PostgreSQL (ours, durable); it takes one message a request over 32 kept-alive connections and
calls back for each receipt.  Signalbox takes its loads a, b and c (bench/throughput.py) with a house that stays up
between its turns.  CPU is that of each peer's own processes, its database included.  Noisy runs are repeated, a few times
at most.  What is written for Kannel stays in var/bench/peers.
"""

import argparse
import statistics
import sys
from collections.abc import Callable, Mapping
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
    parser.add_argument("--messages", type=int, default=20_000, help="of each run but those of load c")
    parser.add_argument("--campaign", type=int, help="messages of load c; ten times the others when not said")
    parser.add_argument("--loads", default="abc", help="which of our loads take part; none when empty")
    parser.add_argument("--limit", type=float, default=120, help="seconds a run may take")
    parser.add_argument("--receipt-delay", type=float, default=1.0, help="the carrier's, for everybody")
    parser.add_argument("--port", type=int, default=8101)
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args(words)


def alternate(turns: dict[str, Callable[[], Showing]], *, runs: int, retries: int) -> dict[str, list[Showing]]:
    """Round after round everybody has a turn; a noisy one is repeated while retries last, then kept."""
    showings: dict[str, list[Showing]] = {name: [] for name in turns}
    for number in range(1, runs + 1):
        for name, turn in turns.items():
            showing = turn()
            while not showing.is_fit and retries:
                retries -= 1
                print(f"  {line(showing)}  (others took {showing.foreign_cores:.2f} cores: thrown away)", flush=True)
                showing = turn()
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
    chosen = {name: [one for one in found if one.is_fit] or found for name, found in showings.items()}
    return {
        name: (statistics.median(one.told_back for one in found), statistics.median(one.ours for one in found))
        for name, found in chosen.items()
    }


def verdict(showings: dict[str, list[Showing]]) -> str:
    found = medians(showings)
    lines = ["", "medians:"]
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
    messages = (asked.campaign or asked.messages * 10) if load == "c" else asked.messages

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
    asked: argparse.Namespace, idle: Callable[[], Mapping[str, int]] = dict
) -> dict[str, Callable[[], Showing]]:
    mood = Mood(asked.receipt_delay)
    return {
        name: lambda storage=storage: run_kannel(
            storage, messages=asked.messages, mood=mood, limit=asked.limit, idle=idle
        )
        for name, storage in KANNELS.items()
    }


def measure(asked: argparse.Namespace) -> dict[str, list[Showing]]:
    kannel.install()
    if not asked.loads:
        return alternate(kannel_turns(asked), runs=asked.runs, retries=asked.retries)
    with house(VAR, port=asked.port) as found:
        enter(found)
        sender = fund(found, messages=asked.messages * 14 * (asked.runs + asked.retries))
        with Database(found.admin_dsn) as database:
            bench = Bench(found, database, mood=Mood(asked.receipt_delay))
            turns = {f"signalbox-{load}": signalbox_turn(bench, sender, load, asked) for load in asked.loads}
            showings = alternate(
                kannel_turns(asked, lambda: found.pids) | turns, runs=asked.runs, retries=asked.retries
            )
        found.command("check_books", seconds=300)
    return showings


def main() -> int:
    asked = read_arguments()
    print(report.machine())
    try:
        showings = measure(asked)
    except WentWrong as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    print(verdict(showings))
    if asked.json:
        report.write(asked.json, "peers", {"showings": showings, "medians": medians(showings)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
