"""Days summed up: whatever is earned and spent, and however much of it is summed, every figure is what was written down."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from threading import Barrier
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Organisation
from accounts.tests.factories import make_agent, make_customer, make_operator
from agents import queries, sums
from agents.models import EarningSum, SpendingSum, SumProgress
from agents.queries.earnings import Earned, earned_below, earned_by, spent_below, totals_earned_by
from agents.rules.months import Month
from agents.sums import OPEN_FOR, sum_up
from agents.tests.factories import earns
from billing.ledger.actions import account_of
from billing.ledger.books import problems
from billing.ledger.invariants import INVARIANTS
from billing.ledger.models import Account
from kit import tenancy
from kit.ids import uuid7, uuid7_at
from kit.sql import run
from kit.tests.plans import analyse, rows_looked_at
from kit.tests.racing import race

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
Kind = Account.Kind
CLOCKS = [UTC, ZoneInfo("Asia/Shanghai"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("America/New_York")]
SUMS = [one for one in INVARIANTS if one.name.startswith("A day's")]
SALES = {"settlement": 0, "purchase": 1, "refund": 2}


def today() -> datetime:
    return timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def id_at(moment: datetime) -> UUID:
    return uuid7_at(int(moment.timestamp() * 1000))


@dataclass
class Trade:
    """A tree, what happened in it at which times, and the same facts as anybody would note them."""

    operator: Organisation = field(default_factory=make_operator)
    agent: Organisation = field(default_factory=make_agent)
    facts: list[tuple] = field(
        default_factory=list
    )  # at, earner, customer, currency, segments, margin, by kind of sale
    spent: list[tuple] = field(default_factory=list)  # at, customer, messages, segments, amount

    def __post_init__(self) -> None:
        self.below = make_agent(parent=self.agent)
        self.customers = [make_customer(parent=self.agent), make_customer(parent=self.below), self.below]
        self.rules = {one: earns(one, 100) for one in (self.agent, self.below)}

    def sellers_of(self, customer: Organisation) -> list[Organisation]:
        return [self.agent, self.below] if customer.parent_id == self.below.pk else [self.agent]

    def deliver(
        self, customer: Organisation, at: datetime, *, segments: int = 1, margin: int = 10, status: int = 90, currency: str = "GBP"
    ):  # fmt: skip
        """A settlement, and what of it each seller keeps, as the engine writes them."""
        settlement, amount = id_at(at), segments * 50
        run(
            "INSERT INTO engine_settlement (id, organisation_id, quote_id, status, messages, segments, amount, currency,"
            " created_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [settlement, customer.pk, uuid7(), status, 1, segments, amount, currency, at],
        )
        if status != 90:
            return
        self.spent.append((at, customer, 1, segments, amount))
        for seller in self.sellers_of(customer) if margin else []:
            self.move(customer, seller, Kind.MARGIN, "margin", margin, currency, at, settlement)
            self.facts.append((at, seller, customer, currency, segments, margin, (0, 0, 0)))
        self.move(customer, self.operator, Kind.REVENUE, "settle", 20, currency, at, settlement)
        self.facts.append((at, self.operator, customer, currency, segments, 20, (0, 0, 0)))

    def move(self, customer, seller, kind, reason, amount, currency, at, settlement):
        source, target = account_of(customer, Kind.HOLD, currency), account_of(seller, kind, currency)
        run(
            "INSERT INTO ledger_transfer (id, source_id, target_id, organisation_id, target_organisation_id, amount,"
            " currency, reason, reference, subject, created_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [id_at(at), source.pk, target.pk, customer.pk, seller.pk, amount, currency, reason, f"settlement:{settlement}:{seller.pk}",
             f"settlement:{settlement}", at],
        )  # fmt: skip

    def commission(self, agent: Organisation, customer: Organisation, at: datetime, sale: str, amount: int):
        account_of(agent, Kind.COMMISSION, "GBP")
        run(
            "INSERT INTO agents_commissionentry (id, organisation_id, rule_id, customer_id, sale_reference, sale_amount, amount,"
            " currency, earned_at) VALUES (%s, %s, %s, %s, %s, 0, %s, 'GBP', %s)",
            [uuid7(), agent.pk, self.rules[agent].pk, customer.pk, f"{sale}:{uuid7()}", amount, at],
        )
        by_sale = tuple(amount if SALES[sale] == place else 0 for place in range(3))
        self.facts.append((at, agent, customer, "GBP", 0, 0, by_sale))

    def earned(self, earners, *spans, is_total: bool = False, with_segments: bool = False) -> set[Earned]:
        """What the facts add up to."""
        found: dict[tuple, list[int]] = {}
        for number, (since, until) in enumerate(spans):
            for at, earner, customer, currency, segments, margin, by_sale in self.facts:
                if earner in earners and since <= at < until:
                    key = (number, earner.pk, None if is_total else customer.pk, currency)
                    figures = (segments, margin, *by_sale)
                    found[key] = [a + b for a, b in zip(found.get(key, [0] * 5), figures, strict=True)]
        return {Earned(*key, segments if with_segments else None, *money) for key, (segments, *money) in found.items()}

    def spending(self, payers, *spans) -> set[tuple]:
        found: dict[tuple, list[int]] = {}
        for number, (since, until) in enumerate(spans):
            for at, customer, *figures in self.spent:
                if customer in payers and since <= at < until:
                    key = (number, customer.pk)
                    found[key] = [a + b for a, b in zip(found.get(key, [0] * 3), figures, strict=True)]
        return {(*key, *figures) for key, figures in found.items()}


@pytest.fixture
def trade() -> Trade:
    return Trade()


def summed_before() -> datetime | None:
    return SumProgress.objects.values_list("summed_before", flat=True).first()


@pytest.mark.parametrize("seed", range(8))
def test_however_much_is_summed_every_span_says_what_was_written_down(seed, trade, monkeypatch):
    dice = random.Random(seed)
    monkeypatch.setattr(sums, "MOST_DAYS", 1)
    first, now = today() - 5 * DAY, timezone.now()
    edges = [first + dice.randrange(5 * 24 * 4) * timedelta(minutes=15) for _ in range(6)]
    edges += [first + days * DAY for days in range(6)]

    def moment() -> datetime:
        """Not before what is summed: history is only ever added at its end."""
        earliest = max(first, summed_before() or first)
        at = earliest + (now - earliest) * dice.random()
        return max(earliest, dice.choice([at, min(now, dice.choice(edges))]))

    def deliver() -> None:
        trade.deliver(
            dice.choice(trade.customers), moment(), segments=dice.randint(1, 4), margin=dice.randint(0, 9),
            status=dice.choice([90, 90, 90, 91]), currency=dice.choice(["GBP", "GBP", "CNY"]),
        )  # fmt: skip

    def commission() -> None:
        agent = dice.choice([trade.agent, trade.below])
        customer = dice.choice([one for one in trade.customers if agent in trade.sellers_of(one)])
        sale = dice.choice(list(SALES))
        trade.commission(agent, customer, moment(), sale, dice.randint(1, 9) * (-1 if sale == "refund" else 1))

    trade.deliver(trade.customers[0], first)  # commission is of something that was sold before
    for step in range(50):
        dice.choice([deliver, deliver, commission, sum_up])()
        spans = [sorted(dice.choices([*edges, now], k=2)) for _ in range(3)]
        spans = [tuple(moment.astimezone(dice.choice(CLOCKS)) for moment in span) for span in spans]
        note = f"seed {seed}, step {step}, summed before {summed_before()}, spans {spans}"
        agents = [trade.agent, trade.below]
        with trade.agent.downline_scope():
            assert set(earned_by(trade.agent, *spans)) == trade.earned(agents[:1], *spans, with_segments=True), note
            assert set(totals_earned_by(trade.agent, *spans)) == trade.earned(agents[:1], *spans, is_total=True), note
            assert set(earned_below(trade.agent, *spans)) == trade.earned(agents, *spans), note
            assert set(spent_below(trade.agent, *spans)) == trade.spending(trade.customers, *spans), note
        with trade.operator.downline_scope():
            found = set(earned_below(trade.operator, *spans))
            assert found == trade.earned([*agents, trade.operator], *spans), note
    assert problems(SUMS) == []
    assert summed_before() > first


def test_a_month_begins_by_the_agents_own_clock_whatever_is_summed(trade):
    Organisation.objects.filter(pk=trade.agent.pk).update(time_zone="Asia/Kolkata")
    trade.agent.refresh_from_db()
    zone = ZoneInfo("Asia/Kolkata")
    month = Month.of(timezone.now() - 40 * DAY, zone)
    begin, end = month.span(zone)
    for at, margin in [(begin - timedelta(seconds=1), 1), (begin, 2), (end - timedelta(seconds=1), 4), (end, 8)]:
        trade.deliver(trade.customers[0], at, margin=margin)

    def figures() -> tuple:
        with trade.agent.downline_scope():
            [total] = queries.statement(trade.agent, month).totals
            months = queries.months_of(trade.agent, until=Month.of(timezone.now(), zone))
        return total.margin, total.segments, [one.margin for one in months if one.margin]

    before = figures()
    sum_up()

    assert EarningSum.objects.count() > 0
    assert figures() == before == (6, 2, [8, 6, 1])


def test_the_tree_shows_the_same_before_and_after_its_days_are_summed(trade):
    for days in range(4):
        trade.deliver(trade.customers[1], today() - days * DAY, segments=3)

    def figures() -> list[tuple]:
        with trade.agent.downline_scope():
            tree = queries.downline(trade.agent, since=today() - 10 * DAY, until=today() + DAY)
        return [(one.organisation, one.recent_spend, one.figures) for one in tree.walk()]

    before = figures()
    sum_up()

    assert SpendingSum.objects.exists()
    assert figures() == before
    [(spend, found)] = [(spend, found) for one, spend, found in before if one == trade.customers[1]]
    assert (found.messages, found.segments, found.revenue, found.margin) == (4, 12, 4 * 140, 40)
    assert spend == 3 * 150


def test_what_one_account_sent_is_not_looked_through_for_each_of_the_others(trade):
    """Where one sends all there is, whose a settlement is says nothing to PostgreSQL."""
    now = timezone.now()
    for number in range(200):
        trade.deliver(trade.customers[0], now - timedelta(seconds=number + 1), margin=0)
    analyse()

    with trade.operator.downline_scope(), rows_looked_at() as most:
        spent = spent_below(trade.operator, (now - DAY, now))

    assert [tuple(one) for one in spent] == [(0, trade.customers[0].pk, 200, 200, 10_000)]
    [seen] = most.values()
    assert seen <= 2 * 200


def test_a_day_stays_open_for_an_hour_after_its_end(trade, monkeypatch):
    trade.deliver(trade.customers[0], today() - 2 * DAY)
    assert timedelta(hours=1) == OPEN_FOR
    monkeypatch.setattr(sums, "OPEN_FOR", timezone.now() - today() + timedelta(minutes=1))

    sum_up()

    assert summed_before() == today() - DAY


def test_a_long_past_is_summed_a_portion_at_a_time(trade, monkeypatch):
    monkeypatch.setattr(sums, "MOST_DAYS", 3)
    monkeypatch.setattr(sums, "OPEN_FOR", timedelta())
    trade.deliver(trade.customers[0], today() - 7 * DAY + sums.LEEWAY_OF_SUMS)

    seen = []
    for _round in range(4):
        sum_up()
        seen.append((today() - summed_before()).days)

    assert seen == [4, 1, 0, 0]


def test_a_house_where_nothing_was_sold_sums_nothing(trade):
    sum_up()

    assert summed_before() is None
    with trade.agent.downline_scope():
        assert earned_by(trade.agent, (today() - DAY, today())) == []


def test_sums_are_seen_by_their_owner_and_from_above_alone(trade):
    stranger = Trade(trade.operator, make_agent())
    for one in (trade, stranger):
        one.deliver(one.customers[1], today() - 2 * DAY)
    sum_up()

    def seen(scope) -> tuple[set, set]:
        with scope:
            return tuple(
                set(model.objects.values_list("organisation_id", flat=True)) for model in (EarningSum, SpendingSum)
            )

    buyer = trade.customers[1].pk
    assert seen(trade.customers[1].scope()) == (set(), {buyer})
    assert seen(trade.below.downline_scope()) == ({trade.below.pk}, {buyer})
    assert seen(trade.agent.downline_scope()) == ({trade.agent.pk, trade.below.pk}, {buyer})
    assert seen(tenancy.as_visitor()) == (set(), set())


@pytest.mark.parametrize(("model", "name"), [(EarningSum, "margin"), (SpendingSum, "amount"), (SumProgress, "id")])
def test_no_tenant_changes_them(trade, model, name):
    trade.deliver(trade.customers[0], today() - 2 * DAY)
    sum_up()

    for change in (lambda: model.objects.all().delete(), lambda: model.objects.update(**{name: 7})):
        with trade.agent.scope(), pytest.raises(Exception, match="permission denied"), transaction.atomic():
            change()


# --- what is wrong is made right again


def summed(trade) -> list[tuple]:
    """All sums, and up to when there are some."""
    found = [tuple(model.objects.order_by("pk").values_list()) for model in (EarningSum, SpendingSum)]
    return [*found, summed_before()]


def test_a_clock_that_was_ahead_leaves_no_day_out(trade, monkeypatch):
    trade.deliver(trade.customers[0], today() - DAY)
    trade.deliver(trade.customers[0], today())
    sum_up()
    right = summed(trade)
    ahead = today() + 3 * DAY
    run("UPDATE agents_sumprogress SET summed_before = %s", [ahead])  # as if it had been summed then
    run(
        "INSERT INTO agents_spendingsum (organisation_id, begins_at, messages, segments, amount) VALUES (%s, %s, 1, 1, 50)",
        [trade.customers[0].pk, today()],
    )
    trade.deliver(trade.customers[0], timezone.now())

    sum_up()

    assert summed(trade) == right
    with trade.agent.downline_scope():
        [spent] = spent_below(trade.agent, (today() - DAY, today() + DAY))
    assert spent.messages == 3
    monkeypatch.setattr(sums, "OPEN_FOR", -DAY)  # as if today were over
    sum_up()
    sum_up()
    assert summed_before() == today() + DAY
    assert SpendingSum.objects.get(begins_at=today()).messages == 2
    assert problems(SUMS) == []


def test_an_operator_has_all_days_summed_anew(trade):
    trade.deliver(trade.customers[1], today() - 2 * DAY)
    trade.commission(trade.agent, trade.customers[1], today() - 2 * DAY, "settlement", 5)
    sum_up()
    right = summed(trade)
    EarningSum.objects.update(margin=1)
    SpendingSum.objects.update(messages=7)
    assert {one.invariant for one in problems(SUMS)} == {one.name for one in SUMS if "in all" not in one.name}

    call_command("sum_again", stdout=StringIO())

    assert summed_before() is None
    with trade.agent.downline_scope():
        [spent] = spent_below(trade.agent, (today() - 3 * DAY, today()))
    assert spent.messages == 1
    sum_up()
    assert summed(trade) == right


def test_whoever_reads_while_sums_are_forgotten_sees_all_there_is(trade):
    """One statement sees one moment: seen to fail when progress is read before the sums."""
    trade.deliver(trade.customers[0], today() - 3 * DAY)
    sum_up()
    forgotten = []

    def forget_before(execute, sql, params, many, context):
        if "agents_earningsum" in sql and not forgotten:
            forgotten.append(sql)
            sums.sum_again()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(forget_before):
        [earned] = earned_by(trade.agent, (today() - 5 * DAY, today()))

    assert forgotten
    assert earned.margin == 10


@pytest.mark.parametrize("is_total", [True, False])
@pytest.mark.parametrize("column", ["segments", "margin", "on_traffic", "on_packages", "taken_back"])
def test_the_books_find_each_figure_that_is_off(trade, column, is_total):
    trade.deliver(trade.customers[1], today() - 2 * DAY)
    sum_up()
    assert problems(SUMS) == []

    EarningSum.objects.filter(is_total=is_total, organisation=trade.agent).update(**{column: F(column) + 1})

    names = {one.invariant for one in problems(SUMS)}
    assert names == {one.name for one in SUMS if "in all" in one.name or ("by a customer" in one.name and not is_total)}


# --- several at once


@pytest.mark.django_db(transaction=True)
def test_of_two_that_sum_at_once_one_does_it(trade, monkeypatch):
    """Seen to fail without the lock: the second waits for the first's row, which waits for the second."""
    monkeypatch.setattr(sums, "OPEN_FOR", timedelta())
    trade.deliver(trade.customers[0], today() - 3 * DAY)
    is_done, may_commit = Barrier(2, timeout=20), Barrier(2, timeout=20)

    def act(number: int) -> datetime | None:
        if number == 0:
            with tenancy.as_engine():
                sum_up()
                is_done.wait()
                may_commit.wait()
            return summed_before()
        is_done.wait()
        sum_up()
        seen = summed_before()
        may_commit.wait()
        return seen

    assert set(race(act, threads=2)) == {None, today()}
