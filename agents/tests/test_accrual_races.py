"""Eight at once, all having found the same sales unpaid.  The guard has a sabotage twin: the race without it."""

import threading

import pytest
from django.db import connection

from agents import receivers
from agents.actions import accrual
from agents.models import CommissionEntry
from billing.ledger.books import problems
from billing.ledger.models import Account, Transfer
from kit.money import money
from messaging.engine import receivers as engine_receivers
from messaging.engine.tests.factories import make_world

from .factories import PACKAGES, buy, deliver, earns, make_chain, pot, refund

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 8
EARNED = Account.Kind.COMMISSION


@pytest.fixture(autouse=True)
def no_bells(monkeypatch):
    """Nobody accrues before the race, or sends what the tests send themselves."""
    monkeypatch.setattr(receivers, "ring", lambda task: None)
    monkeypatch.setattr(receivers, "ring_now_and_then", lambda task: None)
    monkeypatch.setattr(engine_receivers, "ring", lambda task, subject=None: None)


def race(monkeypatch, name: str, act=accrual.accrue_recent_commission) -> list[Exception]:
    """Run `act` on all threads, which meet right after `accrual.name` has looked; what was raised."""
    found, trouble = threading.Barrier(THREADS, timeout=20), []
    look, met = getattr(accrual, name), threading.local()

    def look_and_meet(*arguments):
        seen = look(*arguments)
        if not hasattr(met, "once"):
            met.once = True
            found.wait()
        return seen

    def run():
        try:
            act()
        except Exception as error:
            trouble.append(error)
        finally:
            connection.close()

    monkeypatch.setattr(accrual, name, look_and_meet)
    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return trouble


def test_a_sale_found_by_all_at_once_is_paid_once(monkeypatch):
    world = make_world()
    earns(world.agent, 500)
    for _settlement in range(5):
        deliver(world, 2)

    assert race(monkeypatch, "_earned") == []

    assert CommissionEntry.objects.count() == 5
    assert pot(world.agent, EARNED) == 5 * money("0.004")
    assert problems() == []


def test_sabotage_without_its_guard_the_race_runs_into_the_databases_own(monkeypatch):
    world = make_world()
    earns(world.agent, 500)
    deliver(world)
    unguarded = accrual._ENTER.replace("ON CONFLICT (organisation_id, sale_reference) DO NOTHING", "")
    assert unguarded != accrual._ENTER
    monkeypatch.setattr(accrual, "_ENTER", unguarded)

    trouble = race(monkeypatch, "_earned")

    assert len(trouble) == THREADS - 1
    assert all("one_entry_an_agent_and_sale" in str(error) for error in trouble)
    assert pot(world.agent, EARNED) == money("0.002")


def test_sabotage_without_the_unique_entry_only_the_ledgers_reference_keeps_the_money_single(monkeypatch):
    world = make_world()
    earns(world.agent, 500)
    deliver(world)
    key = "ON CONFLICT (organisation_id, sale_reference) DO NOTHING"
    monkeypatch.setattr(accrual, "_ENTER", accrual._ENTER.replace(key, ""))

    with as_owner("ALTER TABLE agents_commissionentry DROP CONSTRAINT one_entry_an_agent_and_sale"):
        assert race(monkeypatch, "_earned") == []
        assert CommissionEntry.objects.count() == THREADS
        assert Transfer.objects.filter(reference__startswith="commission:").count() == 1


def test_a_refund_followed_by_all_at_once_is_taken_back_once(monkeypatch):
    chain = make_chain(2)
    for agent in chain.agents:
        earns(agent, 1_000, basis=PACKAGES)
    purchase = buy(chain.customer)
    accrual.accrue_recent_commission()
    refund(purchase, "25.00")

    assert race(monkeypatch, "_refunds_to_follow", accrual.take_back_refunded) == []

    assert [pot(agent, EARNED) for agent in chain.agents] == [0, 0]
    assert CommissionEntry.objects.filter(amount__lt=0).count() == 2


class as_owner:
    """Change the schema as its owner for a while; the entries made meanwhile go with the change."""

    def __init__(self, statement: str) -> None:
        self.statement = statement

    def __enter__(self) -> None:
        self._run(self.statement)

    def __exit__(self, *_) -> None:
        self._run(
            "ALTER TABLE agents_commissionentry DISABLE TRIGGER USER; TRUNCATE agents_commissionentry;"
            "ALTER TABLE agents_commissionentry ENABLE TRIGGER USER;"
            "ALTER TABLE agents_commissionentry ADD CONSTRAINT one_entry_an_agent_and_sale"
            " UNIQUE (organisation_id, sale_reference)"
        )

    def _run(self, statements: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE NONE")
            cursor.execute(statements)
            cursor.execute("SET ROLE signalbox_engine")
