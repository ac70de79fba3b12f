from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import AuditEntry
from accounts.tests.factories import make_customer
from billing.ledger.books import problems
from billing.packages import allowance
from billing.packages.allowance import give_back, take
from billing.packages.errors import AllowanceReferenceTaken
from billing.packages.models import Allowance, AllowanceUse
from billing.packages.tasks import expire_allowances
from kit.tests.history import ROLES, expect_refusal
from kit.tests.racing import race_often
from kit.tests.undone import undone

from .factories import make_allowance

ONE = [(0, "GB", "notice", 1)]


@pytest.fixture
def customer(db):
    return make_customer()


def taken(lot):
    return Allowance.objects.get(pk=lot.pk).taken


def test_the_nearest_expiry_pays_first(customer):
    later, sooner = make_allowance(customer, valid_days=60), make_allowance(customer, valid_days=30)

    with customer.scope():
        paid_by = take(organisation=customer, wanted=ONE, reference="a")

    assert paid_by == {0: sooner.pk}
    assert (taken(sooner), taken(later)) == (1, 0)


def test_one_message_is_paid_by_one_allowance_as_a_whole(customer):
    small, large = make_allowance(customer, segments=2, valid_days=30), make_allowance(customer, segments=10)
    wanted = [("long", "GB", "notice", 3), ("short", "GB", "notice", 2), ("last", "GB", "notice", 20)]

    paid_by = take(organisation=customer, wanted=wanted, reference="a")

    assert paid_by == {"long": large.pk, "short": small.pk}
    assert (taken(small), taken(large)) == (2, 3)


@pytest.mark.parametrize(
    "_case, sold_for, pays",
    [
        ("anything", {}, True),
        ("this category", {"category": "notice"}, True),
        ("another category", {"category": "promotion"}, False),
        ("this country", {"country": "GB"}, True),
        ("another country", {"country": "CN"}, False),
    ],
)
def test_an_allowance_pays_only_for_what_it_was_sold_for(customer, _case, sold_for, pays):
    make_allowance(customer, **sold_for)

    assert bool(take(organisation=customer, wanted=ONE, reference="a")) is pays


def test_what_has_expired_pays_for_nothing(customer):
    lot = make_allowance(customer)
    Allowance.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert take(organisation=customer, wanted=ONE, reference="a") == {}
    assert taken(lot) == 0


def test_nobody_uses_what_another_bought(customer):
    make_allowance(make_customer())

    with customer.scope():
        assert take(organisation=customer, wanted=ONE, reference="a") == {}


def test_a_batch_reference_takes_once(customer):
    lot = make_allowance(customer)
    take(organisation=customer, wanted=ONE, reference="a")

    with pytest.raises(AllowanceReferenceTaken):
        take(organisation=customer, wanted=ONE, reference="a")

    assert taken(lot) == 1


def test_what_did_not_arrive_comes_back_once(customer):
    lot = make_allowance(customer)
    take(organisation=customer, wanted=[(n, "GB", "notice", 2) for n in range(5)], reference="a")

    came_back = [give_back(allowance_id=lot.pk, segments=4, reference="s1") for _ in range(2)]

    assert came_back == [True, False]
    assert taken(lot) == 6
    assert sorted(AllowanceUse.objects.values_list("segments", flat=True)) == [-4, 10]


def test_a_thousand_messages_take_a_handful_of_statements(customer, django_assert_max_num_queries):
    lot = make_allowance(customer)

    with django_assert_max_num_queries(4):  # savepoint, lock, take, release
        take(organisation=customer, wanted=[(n, "GB", "notice", 1) for n in range(1000)], reference="a")

    assert taken(lot) == 1000


@pytest.mark.parametrize(
    "statement", ["UPDATE packages_allowanceuse SET segments = 0", "DELETE FROM packages_allowanceuse"]
)
@pytest.mark.parametrize("role", ROLES)
def test_uses_are_never_edited(customer, role, statement):
    make_allowance(customer)
    take(organisation=customer, wanted=ONE, reference="a")

    expect_refusal(statement, role=role)


def test_what_lapsed_is_noted_once(customer):
    make_allowance(customer, segments=10)
    take(organisation=customer, wanted=ONE, reference="a")
    Allowance.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    expire_allowances()
    expire_allowances()

    [entry] = AuditEntry.objects.filter(action="allowance.lapsed")
    assert (entry.organisation, entry.after) == (customer, {"segments": 9})


@pytest.mark.django_db(transaction=True)
def test_sixteen_threads_take_exactly_what_there_is():
    customer = make_customer()
    lot = make_allowance(customer, segments=20)

    def attempt(number, turn):
        with customer.scope():
            return bool(take(organisation=customer, wanted=ONE, reference=f"{number}:{turn}"))

    assert race_often(attempt) == 20
    assert taken(lot) == 20


@pytest.mark.django_db(transaction=True)
def test_sabotage_without_lock_and_guard_more_is_taken_than_was_bought(monkeypatch):
    customer = make_customer()
    make_allowance(customer, segments=20)

    def unguarded(organisation, taken, reference):
        for lot, segments in taken.items():
            AllowanceUse.objects.create(
                organisation=organisation, allowance_id=lot, segments=segments, reference=reference
            )
            Allowance.objects.filter(pk=lot).update(taken=Allowance.objects.get(pk=lot).taken + segments)

    monkeypatch.setattr(allowance, "_LOCK_USABLE", allowance._LOCK_USABLE.replace("FOR NO KEY UPDATE", ""))
    monkeypatch.setattr(allowance, "_take", unguarded)

    def attempt(number, turn):
        with customer.scope():
            return bool(take(organisation=customer, wanted=ONE, reference=f"{number}:{turn}"))

    assert race_often(attempt) > 20
    assert "What was taken from an allowance is what its uses say" in {problem.invariant for problem in problems()}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lots=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    wanted=st.lists(st.integers(1, 5), max_size=20),
)
def test_nothing_is_taken_twice_and_nothing_beyond_what_was_bought(customer, lots, wanted):
    with undone():
        made = [make_allowance(customer, segments=segments, valid_days=n + 1) for n, segments in enumerate(lots)]

        paid_by = take(
            organisation=customer,
            wanted=[(n, "GB", "notice", segments) for n, segments in enumerate(wanted)],
            reference="a",
        )

        for lot in made:
            paid = sum(wanted[index] for index, id in paid_by.items() if id == lot.pk)
            assert taken(lot) == paid <= lot.segments
        smallest_left_out = min((wanted[n] for n in range(len(wanted)) if n not in paid_by), default=None)
        if smallest_left_out:
            assert all(lot.segments - taken(lot) < smallest_left_out for lot in made)
