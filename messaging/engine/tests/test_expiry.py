"""What is past its validity ends, and a sweep looks only at what has come of age since the one before."""

from datetime import timedelta

import pytest

from billing.ledger.models import Account
from kit.ids import first_id_at, made_at
from kit.money import money
from kit.sql import rows, run
from messaging.engine.models import Message, SweepProgress
from messaging.engine.settle import expire_overdue, expiry
from messaging.engine.states import Status

pytestmark = pytest.mark.django_db
#: Messages of a test are young: all ages are looked at.
AT_ONCE = timedelta()
OVERDUE = "2020-01-01T00:00Z"


def overdue(world, count=1):
    accepted = world.accept(count)
    Message.objects.filter(pk__in=[one.id for one in accepted.messages]).update(validity_until=OVERDUE)
    return [one.id for one in accepted.messages]


def looked_at(monkeypatch) -> list[int]:
    """How many messages each look finds from now on."""
    numbers: list[int] = []
    real = expiry.records

    def watch(shape, *arguments):
        found = real(shape, *arguments)
        numbers.extend(one.number for one in found if isinstance(one, expiry.Look))
        return found

    monkeypatch.setattr(expiry, "records", watch)
    return numbers


def test_what_was_found_final_is_not_looked_at_again(world, monkeypatch):
    overdue(world, 3)
    expire_overdue(validity=AT_ONCE)
    [newest] = overdue(world)
    numbers = looked_at(monkeypatch)

    assert expire_overdue(validity=AT_ONCE) == 1
    assert expire_overdue(validity=AT_ONCE) == 0

    assert numbers == [1, 0]
    assert Message.objects.get(pk=newest).state == Status.EXPIRED


def test_young_messages_are_not_looked_at(world, monkeypatch):
    overdue(world, 3)
    numbers = looked_at(monkeypatch)

    assert expire_overdue() == 0

    assert numbers == [0]


def test_one_that_is_still_valid_is_looked_at_until_it_is_not(world):
    world.accept()
    [younger] = overdue(world)
    assert expire_overdue(validity=AT_ONCE) == 1
    assert Message.objects.get(pk=younger).state == Status.EXPIRED
    Message.objects.update(validity_until=OVERDUE)

    assert expire_overdue(validity=AT_ONCE) == 1

    assert not Message.objects.filter(status__lt=Status.DELIVERED).exists()
    assert world.balance(Account.Kind.WALLET) == money("10.00")


def test_one_in_a_workers_hand_is_left_and_looked_at_again(world):
    [first, second] = overdue(world, 2)
    run("DELETE FROM engine_queueentry WHERE message_id = %s", [first])  # as whoever claims it does

    assert expire_overdue(validity=AT_ONCE) == 1
    assert SweepProgress.objects.get().done_before <= made_at(first)

    run("UPDATE engine_message SET status = %s WHERE id = %s", [Status.UNKNOWN, first])
    assert expire_overdue(validity=AT_ONCE) == 1
    assert SweepProgress.objects.get().done_before > made_at(second)


def test_many_are_looked_at_a_few_at_a_time(world, monkeypatch):
    monkeypatch.setattr(expiry, "LOOKED_AT", 3)
    monkeypatch.setattr(expiry, "BATCH", 2)
    overdue(world, 7)
    numbers = looked_at(monkeypatch)

    assert expire_overdue(validity=AT_ONCE) == 7

    assert all(number <= 3 for number in numbers)
    assert world.balance(Account.Kind.HOLD) == 0


def test_progress_noted_by_a_clock_that_was_ahead_hides_nothing(world):
    overdue(world)
    run("INSERT INTO engine_sweepprogress (sweep, done_before) VALUES ('expiry', now() + interval '30 days')")

    assert expire_overdue(validity=AT_ONCE) == 1


def test_a_message_that_never_ends_does_not_hold_up_the_others_for_ever(world):
    overdue(world)
    run("INSERT INTO engine_sweepprogress (sweep, done_before) VALUES ('expiry', now() - interval '300 days')")

    expire_overdue(validity=AT_ONCE)

    assert rows("SELECT done_before > now() - %s FROM engine_sweepprogress", [expiry.FURTHEST]) == [(True,)]


def test_only_the_days_that_come_of_age_are_read(world):
    world.accept()
    first = world.message().pk
    bounds = {"first": first, "end": first_id_at(made_at(first) + timedelta(seconds=1)), "most": expiry.LOOKED_AT}

    plan = "\n".join(line for (line,) in rows(f"EXPLAIN {expiry._LOOK}", bounds))

    assert plan.count(f"on engine_message_{made_at(first):%Y%m%d}") == 1
    assert plan.count("on engine_message_") <= 2  # the second around midnight
