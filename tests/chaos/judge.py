"""What became of it, by witnesses: the carriers' own logs, the database and the books."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from tests.chaos.carriers import Carriers, Submit
from tests.chaos.clients import Promises
from tests.chaos.house import House

DELIVERED, UNDELIVERED, EXPIRED, UNKNOWN = 90, 91, 92, 45
FIRST_FINAL = 90
FINAL_SECONDS = 120
MOST_UNKNOWN = 0.001
NAMES = {90: "delivered", 91: "undelivered", 92: "expired", 93: "refused", 94: "blocked", 95: "cancelled"}


@dataclass(frozen=True)
class Message:
    """One message as the database tells of it."""

    id: UUID
    number: str
    status: int
    attempts: int


@dataclass(frozen=True)
class Verdict:
    """What was counted, and every sentence about something that is off."""

    messages: int
    states: dict[str, int]
    submits: int
    unknown: dict[str, int]
    never_known: int
    repeated: int
    p95_seconds: float
    final_seconds: float
    problems: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        return not self.problems

    def __str__(self) -> str:
        return f"{self.counts}; " + ("good" if self.is_good else "BAD: " + "; ".join(self.problems))

    @property
    def counts(self) -> str:
        states = ", ".join(f"{count} {name}" for name, count in self.states.items())
        reasons = ", ".join(f"{count} {why}" for why, count in self.unknown.items())
        said = (
            f"{self.messages} messages ({states})",
            f"{self.submits} submits",
            f"{self.repeated} requests repeated",
            f"accepted within {self.p95_seconds * 1000:.0f} ms (p95)",
            f"{sum(self.unknown.values())} unknown for a while ({reasons})",
            f"{self.never_known} for ever",
            f"all final {self.final_seconds:.0f} s after the last fault",
        )
        return ", ".join(said)


def judge(
    house: House, carriers: Carriers, promises: Promises, *, final_seconds: float, expired: list[UUID]
) -> Verdict:
    """Compare what clients were promised with what happened."""
    messages = stored(house)
    submits = list(carriers.submits())
    unknown = dict(house.witnessed("SELECT code, count(*) FROM engine_attempt WHERE outcome = 4 GROUP BY code"))
    problems = [
        *about_promises(promises, messages),
        *about_carriers(messages, submits),
        *about_unknown(len(messages), sum(unknown.values())),
        *about_campaigns(house, promises),
        *books(house),
    ]
    if final_seconds > FINAL_SECONDS:
        problems.append(f"the last message was final {final_seconds:.0f} s after the last fault")
    seconds = sorted(promises.seconds) or [0.0]
    return Verdict(
        messages=len(messages),
        states={NAMES[state]: count for state, count in sorted(Counter(one.status for one in messages).items())},
        submits=len(submits),
        unknown=unknown,
        never_known=len(expired),
        repeated=promises.repeated,
        p95_seconds=seconds[int(len(seconds) * 0.95)],
        final_seconds=final_seconds,
        problems=tuple(problems),
    )


def stored(house: House) -> list[Message]:
    found = house.witnessed(
        "SELECT m.id, m.recipient, m.status, (SELECT count(*) FROM engine_attempt a WHERE a.message_id = m.id)"
        " FROM engine_message m"
    )
    return [Message(*row) for row in found]


def about_promises(promises: Promises, messages: list[Message]) -> Iterable[str]:
    """Accepted means kept, once, and brought to an end."""
    ids = {str(one.id) for one in messages}
    often = Counter(one.number for one in messages)
    if lost := [id for id in promises.messages.values() if id not in ids]:
        yield f"{len(lost)} accepted messages are not there"
    if missing := set(promises.numbers) - often.keys():
        yield f"{len(missing)} numbers of campaigns got no message"
    if twice := [number for number, count in often.items() if count > 1]:
        yield f"{len(twice)} numbers have more than one message"
    if open_ones := [one for one in messages if one.status < FIRST_FINAL]:
        yield f"{len(open_ones)} messages are not final"


def about_carriers(messages: list[Message], submits: list[Submit]) -> Iterable[str]:
    """Each attempt left at most once, and what the carriers say is what we say."""
    taken, seen = Counter(), defaultdict(int)
    for submit in submits:
        seen[submit.number] += 1
        if submit.may_arrive:
            taken[submit.number] += 1
    if twice := [number for number, count in taken.items() if count > 1]:
        yield f"{len(twice)} numbers were sent to twice"
    if unasked := [one for one in messages if seen[one.number] > one.attempts]:
        yield f"{len(unasked)} messages were submitted more often than there are attempts"
    reported = {one.number for one in messages if one.status in (DELIVERED, UNDELIVERED)}
    if invented := reported - taken.keys():
        yield f"{len(invented)} messages have a report though no carrier saw them"
    if unheard := {one.number for one in messages} & taken.keys() - reported:
        yield f"{len(unheard)} messages reached a carrier and have no report"


def about_unknown(messages: int, unknown: int) -> Iterable[str]:
    if unknown > messages * MOST_UNKNOWN:
        yield f"{unknown} attempts were unknown, more than {MOST_UNKNOWN:.1%} of {messages}"


def about_campaigns(house: House, promises: Promises) -> Iterable[str]:
    found = house.witnessed("SELECT id, status, accepted FROM campaigns_campaign")
    expected = {UUID(id): len(numbers) for id, numbers in promises.campaigns.items()}
    wrong = [id for id, status, accepted in found if status != "sent" or accepted != expected.get(id)]
    if wrong or len(found) != len(expected):
        yield f"{len(wrong)} of {len(expected)} campaigns did not end as they should"


def books(house: House) -> list[str]:
    checked = house.run("manage.py", "check_books")
    return [] if checked.returncode == 0 else [f"check_books: {checked.stdout[-500:]}{checked.stderr[-500:]}"]
