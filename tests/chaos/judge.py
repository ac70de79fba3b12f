"""What became of it, by witnesses: the carrier's own log, the database and the books."""

import json
from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from tests.chaos.house import House

DELIVERED, UNDELIVERED, EXPIRED, UNKNOWN = 90, 91, 92, 45
FIRST_FINAL = 90


@dataclass(frozen=True)
class Verdict:
    """What was counted, and every sentence about something that is off."""

    accepted: int
    states: dict[int, int]
    submits: int
    unknown_attempts: int
    never_submitted: int
    problems: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        return not self.problems


def states_of(house: House, ids: list[str]) -> dict[UUID, int]:
    return dict(house.rows("SELECT id, status FROM engine_message WHERE id = ANY(%s::uuid[])", [ids]))


def submits(house: House) -> Counter:
    """How often the carrier took each number, or may have: refused submits were a definite no."""
    taken = Counter()
    for line in house.carrier_log.read_text().splitlines():
        entry = json.loads(line)
        if not entry["status"]:
            taken[f"+{entry['destination'].removeprefix('+')}"] += 1
    return taken


def judge(house: House, accepted: dict[str, str], *, most_unknown: int) -> Verdict:
    """Compare what the client was promised (number to message id) with what happened."""
    states = states_of(house, list(accepted.values()))
    taken = submits(house)
    [(stored,)] = house.rows("SELECT count(*) FROM engine_message WHERE recipient = ANY(%s)", [list(accepted)])
    [(unknown,)] = house.rows("SELECT count(*) FROM engine_attempt WHERE outcome = 4")
    reported = {number for number, id in accepted.items() if states.get(UUID(id)) in (DELIVERED, UNDELIVERED)}
    problems = [
        (len(states) < len(accepted), f"{len(accepted) - len(states)} accepted messages are not there"),
        (stored != len(accepted), f"{stored} messages were stored for {len(accepted)} numbers"),
        (any(state < FIRST_FINAL for state in states.values()), "some messages are not final"),
        (max(taken.values(), default=0) > 1, f"{sum(n > 1 for n in taken.values())} numbers were sent to twice"),
        (bool(reported - taken.keys()), "some messages have a report though the carrier never saw them"),
        (bool((taken.keys() & accepted.keys()) - reported), "some messages reached the carrier and have no report"),
        (unknown > most_unknown, f"{unknown} attempts ended unknown, more than {most_unknown}"),
        *((True, line) for line in books(house)),
    ]
    return Verdict(
        accepted=len(accepted),
        states=dict(sorted(Counter(states.values()).items())),
        submits=sum(taken.values()),
        unknown_attempts=unknown,
        never_submitted=len(accepted.keys() - taken.keys()),
        problems=tuple(sentence for is_off, sentence in problems if is_off),
    )


def books(house: House) -> list[str]:
    checked = house.run("manage.py", "check_books")
    return [] if checked.returncode == 0 else [f"check_books: {checked.stdout[-500:]}{checked.stderr[-500:]}"]
