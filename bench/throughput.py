"""How many messages a second the whole house accepts, hands to the demo carrier and settles, and what each costs.

    .venv/bin/python bench/throughput.py                          all three loads, three runs each
    .venv/bin/python bench/throughput.py --load b --messages 20000 --runs 1
    .venv/bin/python bench/throughput.py --stored 10000000        the same beside ten million stored messages

Loads: a, one message a request over 32 kept-alive connections; b, requests of 500; c, a campaign from a file.  Starts a
house of its own under var/bench/house (thrown away first) with default durable settings and sends as the demo customer, whose
key's rate limit is lifted.  A run ends when every message is settled; then the carrier's own log, its verdicts and
`check_books` must agree.  Load generator and demo carrier share the machine, so figures belong to it; a run during which
other processes took more than 0.2 cores is thrown away and repeated, a few times at most.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import report  # noqa: E402
from bench.carrier import Mood  # noqa: E402
from bench.house import ROOT, House, WentWrong, enter, house  # noqa: E402
from bench.loads import LOADS, USUAL  # noqa: E402
from bench.runs import Bench, Result  # noqa: E402
from bench.sender import fund  # noqa: E402
from bench.statements import Database  # noqa: E402

VAR = ROOT / "var" / "bench" / "house"
CHECK_SECONDS = 600  # ten million stored messages are read whole


def read_arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--load", default="abc", help="which loads, in this order (abc)")
    parser.add_argument("--messages", type=int, help=f"messages a run ({USUAL})")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--retries", type=int, default=3, help="how often a load's noisy runs are repeated in all")
    parser.add_argument("--limit", type=float, default=240, help="seconds a run may take")
    parser.add_argument("--connections", type=int, default=0, help="a: 32, b: 4 when not said")
    parser.add_argument("--receipt-delay", type=float, default=1.0, help="seconds until the carrier sends a receipt")
    parser.add_argument("--stored", type=int, default=0, help="messages stored before the load begins")
    parser.add_argument("--statements", action="store_true", help="also the dearest statements")
    parser.add_argument("--port", type=int, default=8101)
    parser.add_argument("--json", type=Path, metavar="FILE", help="leave the figures here too")
    asked = parser.parse_args(words)
    if strange := set(asked.load) - set(LOADS):
        parser.error(f"no such load: {', '.join(sorted(strange))}")
    return asked


def fit_runs(bench: Bench, load: str, sender, asked: argparse.Namespace) -> list[Result]:
    """So many runs of one load that were fit to compare; noisy ones are repeated while retries last, then kept."""
    kept, retries = [], asked.retries
    while len(kept) < asked.runs:
        task = bench.task(
            sender, messages=asked.messages or USUAL[load], limit=asked.limit, connections=asked.connections
        )
        result = bench.run(load, task)
        print(report.describe(result), flush=True)
        if asked.statements:
            print(report.describe_statements(result), flush=True)
        if result.problems:
            raise WentWrong("; ".join(result.problems))
        if not result.is_fit and retries:
            retries -= 1
            print(f"  thrown away, {retries} retries left", flush=True)
            continue
        kept.append(result)
    return kept


def measure(found: House, asked: argparse.Namespace) -> list[Result]:
    enter(found)
    wanted = sum((asked.messages or USUAL[load]) * (asked.runs + asked.retries) for load in asked.load)
    sender = fund(found, messages=wanted)
    results = []
    with Database(found.admin_dsn) as database:
        bench = Bench(found, database, mood=Mood(asked.receipt_delay))
        for load in asked.load:
            results += fit_runs(bench, load, sender, asked)
            found.command("check_books", seconds=CHECK_SECONDS)
    return results


def prepared(asked: argparse.Namespace):
    """The house to measure: a fresh one, or the kept one with so many messages stored."""
    if not asked.stored:
        return house(VAR, port=asked.port)
    from bench import stored

    stored.fill_kept(asked.stored, port=asked.port)
    return house(stored.VAR, port=asked.port, fresh=False)


def main() -> int:
    asked = read_arguments()
    print(report.machine())
    try:
        with prepared(asked) as found:
            results = measure(found, asked)
    except WentWrong as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    print(report.summary(results))
    if asked.json:
        report.write(asked.json, "throughput", {"runs": report.as_facts(results), "stored": asked.stored})
    return 0


if __name__ == "__main__":
    sys.exit(main())
