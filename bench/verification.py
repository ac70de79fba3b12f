"""How long a verification code takes from its request to the wire, on a quiet house and beside somebody's campaign.

    .venv/bin/python bench/verification.py [--codes 200] [--promotions 200000]

Codes are asked for one after the other through the API, a few a second.  The wire is the line the carrier writes down
before it answers; both clocks are this machine's.  Quiet first; then another organisation's promotions are accepted while
the channel is paused, the channel is let go, and codes are asked for while the promotions are being sent.  Printed: p50
and p99 of the whole way and of its stretches.  Wanted: p99 <= 250 ms quiet, and at most a second more beside.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import carrier, report  # noqa: E402
from bench.carrier import Mood  # noqa: E402
from bench.generator import Volley, fire, percentile  # noqa: E402
from bench.house import ROOT, House, WentWrong, enter, house, wait_until  # noqa: E402
from bench.loads import SENDING, Task, many_a_request, number_of  # noqa: E402
from bench.processes import Meter  # noqa: E402
from bench.sender import Sender, fund, make_promoter  # noqa: E402
from bench.session import Visitor  # noqa: E402
from bench.statements import Database  # noqa: E402

VAR = ROOT / "var" / "bench" / "house"
WANTED_MS, MORE_MS = 250.0, 1_000.0
CODES_FROM, PROMOTIONS_FROM = 90_000_000, 0
#: Of the way: until the request is answered, until its message is claimed, until it is on the wire, all of it.
STRETCHES = ("answered", "claimed", "handed over", "whole way")


@dataclass(frozen=True)
class Code:
    """One code's moments, in Unix seconds."""

    asked: float
    answered: float
    id: str
    number: str


@dataclass
class Ways:
    """Milliseconds of each stretch for each code, ascending; `claimed` counts from the answer and is below zero when the
    claim came first."""

    name: str
    stretches: dict[str, list[float]]
    foreign_cores: float
    backlog: tuple[int, int] = (0, 0)

    def at(self, stretch: str, share: float) -> float:
        return percentile(self.stretches[stretch], share)


def ask_for_codes(found: House, sender: Sender, *, codes: int, pause: float, first: int) -> list[Code]:
    visitor = Visitor(found.web_port, sender.headers)
    asked = []
    for place in range(first, first + codes):
        number = number_of(CODES_FROM + place)
        body = {
            "template": sender.template,
            "sender": sender.sender,
            "to": number,
            "variables": sender.values_of(place),
        }
        began = time.time()
        answer = visitor.ask(SENDING, body=json.dumps(body).encode())
        if answer.status != 202:
            raise WentWrong(f"a code was refused: {answer.status} {answer.body[:300]!r}")
        asked.append(Code(began, time.time(), json.loads(answer.body)["messages"][0]["id"], number))
        time.sleep(pause)
    return asked


def ways_of(name: str, codes: list[Code], found: House, database: Database, meter: Meter, offset: int) -> Ways:
    """Where each code's time went, once the last of them is on the wire."""
    wires: dict[str, float] = {}

    def all_are_there() -> bool:
        wires.update(wire_moments(found.carrier_log, offset))
        return all(code.number[1:] in wires for code in codes)

    wait_until(all_are_there, 60, "all codes are on the wire")
    claims = dict(
        database.rows(
            "SELECT message_id::text, extract(epoch FROM min(started_at))::float FROM engine_attempt"
            " WHERE message_id = ANY(%s::uuid[]) GROUP BY 1",
            [code.id for code in codes],
        )
    )
    stretches: dict[str, list[float]] = {stretch: [] for stretch in STRETCHES}
    for code in codes:
        wire = wires[code.number[1:]]
        claimed = claims.get(code.id, wire)
        moments = (code.answered - code.asked, claimed - code.answered, wire - claimed, wire - code.asked)
        for stretch, seconds in zip(STRETCHES, moments, strict=True):
            stretches[stretch].append(seconds * 1000)
    return Ways(name, {stretch: sorted(found) for stretch, found in stretches.items()}, meter.read().foreign_cores)


def wire_moments(log: Path, offset: int) -> dict[str, float]:
    """When the carrier wrote down each destination of ours, from `offset` of its log on."""
    mark = f'"destination":"{number_of(CODES_FROM)[1:8]}'.encode()
    with log.open("rb") as file:
        file.seek(offset)
        entries = [json.loads(line) for line in file if mark in line and line.endswith(b"\n")]
    return {entry["destination"]: datetime.fromisoformat(entry["time"]).timestamp() for entry in entries}


def log_size(found: House) -> int:
    return found.carrier_log.stat().st_size if found.carrier_log.exists() else 0


def quiet(found: House, database: Database, sender: Sender, asked: argparse.Namespace) -> Ways:
    ask_for_codes(found, sender, codes=3, pause=0.5, first=0)  # the first of all opens connections
    meter, offset = Meter(lambda: found.pids), log_size(found)
    codes = ask_for_codes(found, sender, codes=asked.codes, pause=asked.pause, first=10)
    return ways_of("quiet", codes, found, database, meter, offset)


def beside(found: House, database: Database, sender: Sender, promoter: Sender, asked: argparse.Namespace) -> Ways:
    """Codes while promotions that were all queued beforehand are being sent; stops early when those are gone."""
    set_channel_active(False)
    task = Task(found.web_port, promoter, asked.promotions, PROMOTIONS_FROM, asked.limit)
    answers = fire(Volley(task.port, 4, many_a_request(task, 500), limit=asked.limit))
    if answers.refusals:
        raise WentWrong(answers.refusals[0])
    before, offset = carrier.control(found.control_port, "GET", "/stats").get("submits", 0), log_size(found)
    set_channel_active(True)
    wait_until(
        lambda: carrier.control(found.control_port, "GET", "/stats").get("submits", 0) > before + 500,
        60, "promotions are being sent",
    )  # fmt: skip
    meter, backlog, codes = Meter(lambda: found.pids), [], []
    for place in range(asked.codes):
        backlog.append(database.one("SELECT count(*) FROM engine_queueentry WHERE lane > 1"))
        if backlog[-1] < 500:
            break
        codes += ask_for_codes(found, sender, codes=1, pause=asked.pause, first=100_000 + place)
    ways = ways_of("beside", codes, found, database, meter, offset)
    ways.backlog = (backlog[0], backlog[-1])
    return ways


def set_channel_active(is_active: bool, *, besides: Sequence[str] = ()) -> None:
    """The house's own channel; `besides` are the ids of those that a benchmark made."""
    from kit import tenancy
    from messaging.channels import actions
    from messaging.channels.models import Channel

    with tenancy.as_engine():
        channel = Channel.objects.select_related("organisation").exclude(pk__in=besides).get(type="smpp")
    with channel.organisation.scope():
        actions.set_channel_active(channel=channel, is_active=is_active)


def describe(ways: Ways) -> str:
    count = len(ways.stretches["whole way"])
    lines = [f"{ways.name}: {count} codes; others took {ways.foreign_cores:.2f} cores"]
    if ways.backlog[0]:
        lines[0] += f"; promotions waiting: {ways.backlog[0]:,} at the first code, {ways.backlog[1]:,} at the last"
    for stretch in STRETCHES:
        lines.append(
            f"  {stretch:<12} p50 {ways.at(stretch, 0.5):7.1f} ms   p99 {ways.at(stretch, 0.99):7.1f} ms   "
            f"longest {ways.at(stretch, 1):7.1f} ms"
        )
    return "\n".join(lines)


def verdict(found: list[Ways]) -> str:
    at = {ways.name: ways.at("whole way", 0.99) for ways in found}
    said = [f"quiet p99 {at['quiet']:.0f} ms ({'within' if at['quiet'] <= WANTED_MS else 'over'} {WANTED_MS:.0f})"]
    if "beside" in at:
        more = at["beside"] - at["quiet"]
        said.append(f"beside promotions {more:+.0f} ms ({'within' if more <= MORE_MS else 'over'} {MORE_MS:.0f})")
    return "; ".join(said)


def measure(found: House, asked: argparse.Namespace) -> list[Ways]:
    enter(found)
    sender = fund(found, messages=asked.codes * 4, category="verification")
    carrier.control(found.control_port, "POST", "/rules", Mood(asked.receipt_delay).rules())
    with Database(found.admin_dsn) as database:
        ways = [quiet(found, database, sender, asked)]
        print(describe(ways[0]), flush=True)
        if asked.promotions:
            promoter = make_promoter(found, messages=asked.promotions)
            ways.append(beside(found, database, sender, promoter, asked))
            print(describe(ways[1]), flush=True)
    return ways


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codes", type=int, default=200)
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between a code and the next")
    parser.add_argument("--promotions", type=int, default=200_000, help="queued by another organisation; 0 for none")
    parser.add_argument("--receipt-delay", type=float, default=1.0)
    parser.add_argument("--limit", type=float, default=300, help="seconds the promotions may take to be accepted")
    parser.add_argument("--port", type=int, default=8101)
    parser.add_argument("--json", type=Path, metavar="FILE")
    asked = parser.parse_args()
    print(report.machine())
    try:
        with house(VAR, port=asked.port) as found:
            ways = measure(found, asked)
    except WentWrong as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    print(verdict(ways))
    if asked.json:
        report.write(asked.json, "verification", {"ways": [asdict(one) for one in ways]})
    return 0


if __name__ == "__main__":
    sys.exit(main())
