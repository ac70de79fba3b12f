"""How quickly things are found among many stored messages: each question asked through the door people use.

    .venv/bin/python bench/finding.py                         among ten million, filled first where they are not there
    .venv/bin/python bench/finding.py --messages 100000 --asks 20

Each question is asked of the console by somebody signed in (a customer; lists of theirs by an agent, the operator and a
reviewer) and, where the API answers it, with a key; every time with other values.  Printed: p50 and p95 of the whole
request, and, from the database's own statistics, its statements and milliseconds a request and the longest single
statement.  Wanted: p95 <= 50 ms, and page 100,000 by cursor no slower than page 1.
"""

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import report, stored  # noqa: E402
from bench.generator import percentile  # noqa: E402
from bench.house import House, WentWrong, house, wait_until  # noqa: E402
from bench.processes import Meter  # noqa: E402
from bench.session import Visitor  # noqa: E402
from bench.statements import Database  # noqa: E402

WANTED_MS = 50.0
PAGE, SMALL_PAGE = 50, 20
DEEP_PAGE = 100_000  # two million messages in small pages
SEED = 11
#: A house makes good after its start what it missed.  It has come to rest when it uses so little for so long.
RESTING_CORES, RESTING_SECONDS, REST_LIMIT = 0.1, 5.0, 240.0
STATUSES = (
    "held", "queued", "submitting", "submitted", "unknown", "delivered", "undelivered", "expired", "refused", "blocked",
    "cancelled",
)  # fmt: skip


@dataclass(frozen=True)
class Question:
    """What is asked, at whose door (the customer's is "console"), by a path made anew each time."""

    name: str
    door: str
    path: Callable[[], str]


@dataclass(frozen=True)
class Found:
    """How long it took: milliseconds, of the whole request and of the database in it."""

    name: str
    door: str
    p50: float
    p95: float
    database_ms: float
    longest_ms: float
    statements: float

    @property
    def is_quick(self) -> bool:
        return self.p95 <= WANTED_MS


class Things:
    """Values to ask for, drawn from what the demo customer has stored."""

    def __init__(self, database: Database, *, seed: int = SEED) -> None:
        self.chance = random.Random(seed)
        self.organisation = database.one("SELECT id FROM bench_organisation WHERE place = 0")
        self.total = database.one("SELECT count(*) FROM engine_message WHERE organisation_id = %s", self.organisation)
        self.rows = database.rows(
            "SELECT id, recipient, client_reference, campaign_id, template_version_id, api_key_id FROM engine_message"
            " TABLESAMPLE SYSTEM (0.1) REPEATABLE (7) WHERE organisation_id = %s LIMIT 2000",
            self.organisation,
        )
        self.template = database.one("SELECT template_id FROM content_templateversion LIMIT 1")
        #: The number of a page with many before it, and its cursor; the second in small pages.
        self.deep_page, self.deep_cursor = self._deep(database, PAGE)
        self.deep_small_page, self.deep_small_cursor = self._deep(database, SMALL_PAGE)

    def _deep(self, database: Database, size: int) -> tuple[int, str]:
        page = min(DEEP_PAGE, self.total // size - 2)
        cursor = database.one(
            "SELECT id FROM engine_message WHERE organisation_id = %s ORDER BY id DESC OFFSET %s LIMIT 1",
            self.organisation, (page - 1) * size - 1,
        )  # fmt: skip
        return page, str(cursor)

    def one(self, column: int) -> str:
        """A value of one column of some message that has it."""
        while True:
            if value := self.chance.choice(self.rows)[column]:
                return str(value)

    def id(self) -> str:
        return self.one(0)

    def number(self) -> str:
        return self.one(1).replace("+", "%2B")

    def reference(self) -> str:
        return self.one(2)

    def campaign(self) -> str:
        return self.one(3)

    def key(self) -> str:
        return self.one(5)


def questions(things: Things) -> list[Question]:
    asked = [
        *first_pages(),
        Question("a message by id (search)", "console", lambda: f"/search/?q={things.id()}"),
        Question("a message's page", "console", lambda: f"/messages/{things.id()}/"),
        Question("by number (search)", "console", lambda: f"/search/?q={things.number()}"),
        Question("by reference (search)", "console", lambda: f"/search/?q={things.reference()}"),
        Question("messages, first page", "console", lambda: "/messages/"),
        Question(f"messages, page {things.deep_page:,}", "console", lambda: f"/messages/?before={things.deep_cursor}"),
        Question("messages by number", "console", lambda: f"/messages/?number={things.number()}"),
        Question("messages by reference", "console", lambda: f"/messages/?reference={things.reference()}"),
        Question("messages of a campaign", "console", lambda: f"/messages/?campaign={things.campaign()}"),
        Question("messages of a template", "console", lambda: f"/messages/?template={things.template}"),
        Question("messages of a key", "console", lambda: f"/messages/?key={things.key()}"),
        Question("home", "console", lambda: "/home/"),
        Question("campaigns, first page", "console", lambda: "/campaigns/"),
        Question("a campaign's page", "console", lambda: f"/campaigns/{things.campaign()}/"),
        Question("wallet statement, first page", "console", lambda: "/billing/wallet/"),
        Question("audit trail, first page", "console", lambda: "/settings/audit/"),
        Question("a message by id", "API", lambda: f"/api/v1/messages/{things.id()}"),
        Question("messages by number", "API", lambda: f"/api/v1/messages?to={things.number()}"),
        Question("messages by reference", "API", lambda: f"/api/v1/messages?reference={things.reference()}"),
        Question("messages of a campaign", "API", lambda: f"/api/v1/messages?campaign={things.campaign()}"),
        Question("messages, first page", "API", lambda: "/api/v1/messages"),
        Question(
            f"messages, page {things.deep_page:,}", "API", lambda: f"/api/v1/messages?cursor={things.deep_cursor}"
        ),
        Question("messages by 20, first page", "API", lambda: f"/api/v1/messages?limit={SMALL_PAGE}"),
        Question(
            f"messages by 20, page {things.deep_small_page:,}",
            "API",
            lambda: f"/api/v1/messages?limit={SMALL_PAGE}&cursor={things.deep_small_cursor}",
        ),  # fmt: skip
        Question("campaigns, first page", "API", lambda: "/api/v1/campaigns"),
    ]
    for status in ("waiting", "failed", *STATUSES):
        asked.append(Question(f"messages {status}", "console", lambda status=status: f"/messages/?status={status}"))
    for status in STATUSES:
        asked.append(Question(f"messages {status}", "API", lambda status=status: f"/api/v1/messages?status={status}"))
        path = f"/api/v1/messages?status={status}&campaign="
        asked.append(Question(f"{status} of a campaign", "API", lambda path=path: path + things.campaign()))
    return asked


#: The lists of a house that are as long as its organisations make them, and who reads them.
LISTS = {
    "console": {
        "templates": "/templates/",
        "senders": "/templates/senders/",
        "purchases": "/billing/purchases/",
        "webhooks": "/webhooks/",
        "API keys": "/settings/api-keys/",
        "team": "/settings/team/",
        "sessions": "/accounts/sessions/",
    },
    "agent": {
        "accounts": "/business/accounts/",
        "price list": "/business/prices/",
        "statement": "/business/statement/",
        "audit trail": "/settings/audit/",
    },
    "operator": {
        "accounts": "/business/accounts/",
        "price list": "/business/prices/",
        "channels": "/channels/",
        "audit trail": "/settings/audit/",
    },
    "reviewer": {"review queue": "/reviews/"},
}


def first_pages() -> list[Question]:
    return [
        Question(f"{name}, first page", door, lambda path=path: path)
        for door, lists in LISTS.items()
        for name, path in lists.items()
    ]


def ask(question: Question, visitor: Visitor, database: Database, *, asks: int) -> Found:
    """Ask it so many times, after twice for warming up.  Raises WentWrong for an answer that is none."""
    for _ in range(2):
        visitor.ask(question.path())
    database.forget()
    seconds = []
    for _ in range(asks):
        path = question.path()
        answer = visitor.ask(path)
        if answer.status not in (200, 302):
            raise WentWrong(f"{path} answered {answer.status}")
        seconds.append(answer.seconds)
    calls, total, longest = database.rows(
        "SELECT coalesce(sum(calls), 0), coalesce(sum(total_exec_time + total_plan_time), 0),"
        " coalesce(max(max_exec_time), 0) FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid"
        " WHERE r.rolname IN ('signalbox_portal', 'signalbox_web')"
    )[0]
    return Found(
        question.name, question.door, statistics.median(seconds) * 1000, percentile(sorted(seconds), 0.95) * 1000,
        float(total) / asks, float(longest), float(calls) / asks,
    )  # fmt: skip


def visitors(found: House) -> dict[str, Visitor]:
    accounts = json.loads((found.var / "demo-accounts.json").read_text())
    key = next(one for one in accounts if one.get("kind") == "live_key")
    people = {door: signed_in(found, accounts, email) for door, email in PEOPLE.items()}
    return people | {"API": Visitor(found.web_port, {"Authorization": f"Bearer {key['password']}"})}


#: Who stands at which door, by the address they sign in with.
PEOPLE = {
    "console": "demo@meadowlark.example",
    "agent": "agent@kestrel.example",
    "operator": "operator@signalbox.example",
    "reviewer": "reviewer@signalbox.example",
}


def signed_in(found: House, accounts: list[dict[str, str]], email: str) -> Visitor:
    visitor = Visitor(found.web_port)
    visitor.sign_in(email, next(one["password"] for one in accounts if one["email"] == email))
    return visitor


def line(found: Found) -> str:
    mark = " " if found.is_quick else "!"
    return (
        f"{mark} {found.door:<9}{found.name:<34} p50 {found.p50:7.1f} ms  p95 {found.p95:7.1f} ms   "
        f"database {found.database_ms:7.2f} ms in {found.statements:4.1f} statements, longest {found.longest_ms:7.2f} ms"
    )


def is_resting(found: House) -> bool:
    meter = Meter(lambda: found.pids)
    time.sleep(RESTING_SECONDS)
    return sum(max(0.0, used) for used in meter.read().by_part.values()) < RESTING_CORES * RESTING_SECONDS


def measure(found: House, *, asks: int, only: str) -> list[Found]:
    wait_until(lambda: is_resting(found), REST_LIMIT, "the house rests")
    results, meter = [], Meter(lambda: found.pids)
    with Database(found.admin_dsn) as database:
        things, who = Things(database), visitors(found)
        print(f"{things.total:,} messages of the customer who asks; each question {asks} times", flush=True)
        for question in questions(things):
            if only in f"{question.door} {question.name}":
                results.append(ask(question, who[question.door], database, asks=asks))
                print(line(results[-1]), flush=True)
    print(f"others took {meter.read().foreign_cores:.2f} cores meanwhile", flush=True)
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10_000_000)
    parser.add_argument("--asks", type=int, default=100)
    parser.add_argument("--only", default="", help="questions whose door and name contain this")
    parser.add_argument("--port", type=int, default=8101)
    parser.add_argument("--json", type=Path, metavar="FILE")
    asked = parser.parse_args()
    print(report.machine())
    try:
        stored.fill_kept(asked.messages, port=asked.port)
        with house(stored.VAR, port=asked.port, fresh=False) as found:
            results = measure(found, asks=asked.asks, only=asked.only)
    except WentWrong as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    slow = [one for one in results if not one.is_quick]
    print(f"{len(results) - len(slow)} of {len(results)} within {WANTED_MS:.0f} ms at p95")
    if asked.json:
        report.write(asked.json, "finding", {"messages": asked.messages, "found": results})
    return 0


if __name__ == "__main__":
    sys.exit(main())
