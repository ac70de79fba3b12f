"""One run: a burst of messages, a fault in the middle of it, and so on; then patience until everything is final."""

import http.client
import json
import random
import time
from dataclasses import dataclass

from portal.stack.ports import HOST
from tests.chaos import judge
from tests.chaos.faults import BESIDE, FAULTS, HOLDS_THE_WIRE, ON_THE_WAY
from tests.chaos.house import House, wait_until
from tests.chaos.judge import Verdict
from tests.chaos.sender import Sender

#: The carrier answers slowly enough to be caught in the middle, and repeats, mixes up and hurries some receipts.
CARRIER = {
    "default": {
        "answer_delay": 0.15, "receipt_delay": 0.5, "receipt_jitter": 1.0, "undelivered": 0.05, "duplicate": 0.1,
        "out_of_order": 0.1, "early": 0.1,
    }
}  # fmt: skip
REQUEST = 100
#: A lease (60 s), a sweep and a fold later whatever was lost is known to be.
PATIENCE_SECONDS = 240
#: What one fault may catch between our commit and the carrier's answer: the channel's window.
CAUGHT_BY_ONE_FAULT = 200


@dataclass(frozen=True)
class Plan:
    """What happens: each fault with the seconds after its burst's first submit at which it strikes."""

    seed: int
    messages: int
    faults: tuple[tuple[str, float], ...]

    @property
    def most_unknown(self) -> int:
        return CAUGHT_BY_ONE_FAULT * sum(name in HOLDS_THE_WIRE for name, _ in self.faults)


def short_plan(seed: int, messages: int) -> Plan:
    """Every fault once.  Those whose leases have to run out come first, so that the others fill the wait."""
    chance = random.Random(seed)
    names = [*chance.sample(list(ON_THE_WAY), len(ON_THE_WAY)), *chance.sample(list(BESIDE), len(BESIDE))]
    return Plan(seed, messages, tuple((name, chance.uniform(0, 0.4)) for name in names))


def long_plan(seed: int, messages: int, rounds: int) -> Plan:
    chance = random.Random(seed)
    names = [name for _ in range(rounds) for name in chance.sample(list(FAULTS), len(FAULTS))]
    return Plan(seed, messages, tuple((name, chance.uniform(0, 1.5)) for name in names))


def play(house: House, plan: Plan) -> Verdict:
    """Do what the plan says and wait until every accepted message is final; what the witnesses say then."""
    tell_carrier(house.state["ports"]["carrier_control"])
    sender = Sender(house.port, prepared(house, plan.messages))
    try:
        for (name, moment), numbers in zip(plan.faults, bursts(plan), strict=True):
            size = log_size(house)
            for first in range(0, len(numbers), REQUEST):
                sender.release(f"chaos:{plan.seed}:{numbers[first]}", numbers[first : first + REQUEST])
            wait_until(lambda: log_size(house) > size, seconds=PATIENCE_SECONDS, what="the burst is under way")  # noqa: B023
            time.sleep(moment)
            FAULTS[name](house)
    finally:
        sender.finish()
    ids = list(sender.accepted.values())
    wait_until(lambda: is_over(house, sender.accepted), seconds=PATIENCE_SECONDS, what="every message is final")
    three_days_later(house, ids)
    return judge.judge(house, sender.accepted, most_unknown=plan.most_unknown)


def log_size(house: House) -> int:
    """Grows with every submit."""
    return house.carrier_log.stat().st_size


def prepared(house: House, messages: int) -> dict:
    made = house.run("-m", "tests.chaos.prepare", str(messages))
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


def tell_carrier(port: int) -> None:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    connection.request("POST", "/rules", json.dumps(CARRIER), {"Content-Type": "application/json"})
    assert connection.getresponse().status == http.HTTPStatus.OK


def bursts(plan: Plan) -> list[list[str]]:
    """The numbers of each burst, all different."""
    numbers = [f"+86138{plan.seed % 100:02d}{place:06d}" for place in range(plan.messages)]
    size = -(-plan.messages // len(plan.faults))
    return [numbers[first : first + size] for first in range(0, plan.messages, size)]


def is_over(house: House, accepted: dict[str, str]) -> bool:
    """Whether every message is final, but for those the carrier never saw: they were caught before a byte left."""
    states = judge.states_of(house, list(accepted.values()))
    if len(states) < len(accepted):
        return False
    waiting = {id: state for id, state in states.items() if state < judge.FIRST_FINAL}
    if any(state != judge.UNKNOWN for state in waiting.values()):
        return False
    return not waiting or not (numbers_of(house, waiting) & judge.submits(house).keys())


def numbers_of(house: House, ids) -> set[str]:
    found = house.rows("SELECT recipient FROM engine_message WHERE id = ANY(%s::uuid[])", [[str(id) for id in ids]])
    return {number for (number,) in found}


def three_days_later(house: House, ids: list[str]) -> None:
    """Let the validity of what no receipt will ever come for run out, as the calendar would."""
    statement = (
        "UPDATE engine_message SET validity_until = now() WHERE status = 45 AND id = ANY(%s::uuid[]) RETURNING id"
    )
    if not house.rows(statement, [ids]):
        return
    script = "import django; django.setup(); from messaging.engine.settle import expire_overdue; expire_overdue()"
    expired = house.run("-c", script)
    assert expired.returncode == 0, expired.stderr
