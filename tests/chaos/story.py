"""One run: messages pour in through every door while parts are killed; then patience until everything is final."""

import json
import random
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from tests.chaos import judge
from tests.chaos.carriers import Carriers
from tests.chaos.clients import Clients, Promises, Requested
from tests.chaos.faults import EACH_ROUND, FAULTS, ONCE, SHORT, Fault, Scene, drawn
from tests.chaos.house import House, TooLate, wait_until
from tests.chaos.judge import Verdict
from tests.chaos.prepare import WINDOW

#: Of the long form.
MESSAGES = 50_000
REQUEST = 100
CAMPAIGN = 2_000
#: Parts of all messages: by campaigns, by single requests for codes; the others by requests of a hundred.
CAMPAIGN_SHARE, CODE_SHARE = 0.3, 0.02
#: Accepted and not yet final at most, or a quarter of all: more is released as they become final, so that every part has work all
#: the time.
AHEAD = 3_000
LOOK_SECONDS = 0.25
#: The next fault strikes anyway when nothing has become final for so long.  Short runs hold nobody up for as long as a lease.
STALLED_SECONDS, SHORTLY_STALLED_SECONDS = 45, 6
#: The most a whole run may take until the last fault.
LONGEST_SECONDS = 1_500
#: After the last fault everything is final within this.
FINAL_SECONDS = 120
PATIENCE_SECONDS = 240
CAMPAIGN_SECONDS = 30
NUMBERS = {"CN": "+86138{:08d}", "GB": "+447400{:06d}", "DE": "+491512{:07d}"}


@dataclass(frozen=True)
class Plan:
    """What happens.  The same seed, sizes and rounds give the same plan."""

    seed: int
    messages: int
    faults: tuple[Fault, ...]
    stalled_seconds: float = STALLED_SECONDS


def short_plan(seed: int, messages: int) -> Plan:
    return Plan(seed, messages, drawn(random.Random(seed), SHORT), SHORTLY_STALLED_SECONDS)


def long_plan(seed: int, messages: int, rounds: int) -> Plan:
    return Plan(seed, messages, drawn(random.Random(seed), EACH_ROUND * rounds + ONCE))


def requests(plan: Plan, customers: Sequence[dict]) -> list[Requested]:
    """All that is wanted, in an order of chance; each number once."""
    chance = random.Random(plan.seed)
    numbers = [NUMBERS[chance.choice(list(NUMBERS))].format(place) for place in range(plan.messages)]
    campaigns = int(plan.messages * CAMPAIGN_SHARE)
    codes = int(plan.messages * CODE_SHARE)
    cuts = [*range(0, campaigns, CAMPAIGN), *range(campaigns, campaigns + codes),
            *range(campaigns + codes, plan.messages, REQUEST), plan.messages]  # fmt: skip
    wanted = []
    for first, end in zip(cuts, cuts[1:], strict=False):
        kind = "notice" if not campaigns <= first < campaigns + codes else "verification"
        customer = chance.choice(customers)
        wanted.append(
            Requested(
                name=f"chaos:{plan.seed}:{first}",
                key=customer["key"],
                sender=customer["sender"],
                template=customer[kind],
                variable="name" if kind == "notice" else "code",
                numbers=numbers[first:end],
                is_campaign=first < campaigns,
            )
        )
    chance.shuffle(wanted)
    return wanted


def play(house: House, carriers: Carriers, plan: Plan) -> Verdict:
    """Do what the plan says and wait until every accepted message is final; what the witnesses say then."""
    run = Run(house, carriers, plan)
    try:
        run.until_the_last_fault()
    finally:
        run.clients.finish()
    seconds = run.until_all_is_final()
    promises = run.clients.promises
    never_seen = three_days_later(house)
    let_campaigns_end(house)
    return judge.judge(house, carriers, promises, final_seconds=seconds, expired=never_seen)


class Run:
    """Releases requests as messages become final, and strikes when the plan says."""

    def __init__(self, house: House, carriers: Carriers, plan: Plan) -> None:
        self.house, self.plan = house, plan
        self.scene = Scene(house, carriers)
        self.waiting = requests(plan, prepared(house, carriers, window=WINDOW))
        self.clients = Clients(house.port)
        self.faults = list(plan.faults)
        self.released = self.final = 0
        self.moved_at = self.over_at = time.monotonic()

    def until_the_last_fault(self) -> None:
        until = time.monotonic() + LONGEST_SECONDS
        while (self.faults or self.waiting) and time.monotonic() < until and not self.clients.trouble:
            self._look()
            self._release()
            self._strike()
            time.sleep(LOOK_SECONDS)
        if self.faults or self.waiting:
            raise TooLate(f"{self.final} final, {len(self.waiting)} requests and {len(self.faults)} faults left")

    def _look(self) -> None:
        found = self.house.rows("SELECT count(*) FROM engine_message WHERE status >= 90")
        if found and found[0][0] != self.final:
            [(self.final,)] = found
            self.moved_at = time.monotonic()

    def _release(self) -> None:
        while self.waiting and self.released - self.final < min(AHEAD, self.plan.messages // 4):
            wanted = self.waiting.pop()
            self.released += len(wanted.numbers)
            self.clients.release(wanted)

    def _strike(self) -> None:
        if not self.faults:
            return
        fault = self.faults[0]
        is_stalled = time.monotonic() - self.moved_at > self.plan.stalled_seconds and time.monotonic() > self.over_at
        if (self.final and self.final >= fault.at * self.plan.messages) or is_stalled:
            self.faults.pop(0)
            time.sleep(fault.pause)
            lasts = FAULTS[fault.name](self.scene)
            self.moved_at = time.monotonic()
            self.over_at = max(self.over_at, self.moved_at + lasts)
            sys.stderr.write(f"  {self.final:6} final: {fault.name}\n")

    def until_all_is_final(self) -> float:
        """Seconds from the end of the last fault until every message is final, but for those no carrier ever saw."""
        promises = self.clients.promises
        wait_until(
            lambda: is_over(self.house, self.scene.carriers, promises),
            seconds=PATIENCE_SECONDS + max(0, self.over_at - time.monotonic()),
            what="every message is final",
        )
        return max(0.0, time.monotonic() - self.over_at)


def let_campaigns_end(house: House) -> None:
    """A campaign ends a sweep after its last message; one that does not is for the judge to tell of."""
    with suppress(TooLate):
        wait_until(
            lambda: house.rows("SELECT count(*) FROM campaigns_campaign WHERE status <> 'sent'") == [(0,)],
            seconds=CAMPAIGN_SECONDS,
            what="the campaigns have ended",
        )


def prepared(house: House, carriers: Carriers, *, window: int) -> list[dict]:
    made = house.run("-m", "tests.chaos.prepare", json.dumps(carriers.ports), str(window))
    assert made.returncode == 0, made.stderr
    customers = json.loads(made.stdout)
    carriers.beside.append(house.carrier_log)
    wait_until(
        lambda: house.rows("SELECT count(*) FROM channels_bind WHERE state = 'bound'") >= [(len(carriers.all) + 1,)],
        seconds=PATIENCE_SECONDS,
        what="the carriers' lines are up",
    )
    return customers


def is_over(house: House, carriers: Carriers, promises: Promises) -> bool:
    """Whether every promised message is there and final, or unknown and never seen by a carrier."""
    found = house.rows(
        "SELECT count(*), count(*) FILTER (WHERE status < 90 AND status <> %(unknown)s),"
        " coalesce(array_agg(recipient) FILTER (WHERE status = %(unknown)s), '{}') FROM engine_message",
        {"unknown": judge.UNKNOWN},
    )
    if not found:
        return False
    [(there, on_the_way, unknown)] = found
    if there < len(promises.numbers) or on_the_way:
        return False
    return not unknown or set(unknown).isdisjoint(submit.number for submit in carriers.submits() if submit.may_arrive)


def three_days_later(house: House) -> list[UUID]:
    """Let the validity of what no receipt will ever come for run out, as the calendar would; what that was."""
    found = house.witnessed(
        "UPDATE engine_message SET validity_until = now() WHERE status = %s RETURNING id", [judge.UNKNOWN]
    )
    if found:
        script = (
            "import datetime, django; django.setup(); from messaging.engine.settle import expire_overdue;"
            "expire_overdue(validity=datetime.timedelta())"  # younger ones would not be looked at
        )
        expired = house.run("-c", script)
        assert expired.returncode == 0, expired.stderr
    return [id for (id,) in found]
