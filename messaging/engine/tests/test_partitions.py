"""The days of the message table: there before they are needed, and reached through their parent only."""

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from django.db import ProgrammingError, connection, transaction

from billing.ledger.books import problems
from kit import tenancy
from kit.ids import uuid7
from kit.sql import rows
from messaging.engine.leftovers import LEFTOVERS, delete_leftovers
from messaging.engine.models import Attempt, DeliveryReceipt, Message, TrafficCount
from messaging.engine.partitions import DAYS_AHEAD, drop_past_days, make_days_ahead
from messaging.engine.tests.factories import make_world

pytestmark = pytest.mark.django_db
FAR = date(2099, 1, 1)
PARTITIONS = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'engine_message'::regclass"
ROLES = (tenancy.WEB_ROLE, tenancy.ENGINE_ROLE)


def name_of(day):
    return f"engine_message_{day:%Y%m%d}"


def partitions():
    return {name for (name,) in rows(PARTITIONS)}


def test_today_and_the_coming_days_have_a_partition():
    make_days_ahead()

    today = datetime.now(UTC).date()
    assert {name_of(today + timedelta(days=ahead)) for ahead in range(DAYS_AHEAD + 1)} <= partitions()


def test_a_day_is_made_once():
    days = [FAR + timedelta(days=ahead) for ahead in range(DAYS_AHEAD + 1)]

    assert make_days_ahead(today=FAR) == days
    assert make_days_ahead(today=FAR) == []
    assert make_days_ahead(today=FAR + timedelta(days=1)) == [days[-1] + timedelta(days=1)]


def test_neither_role_has_any_right_on_any_partition():
    make_days_ahead(today=FAR)

    rights = "SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER"
    for role in ROLES:
        assert [
            name
            for name in partitions()
            if rows("SELECT has_table_privilege(%s, %s, %s)", [role, name, rights]) == [(True,)]
        ] == []


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("statement", ["SELECT * FROM {}", "DELETE FROM {}", "UPDATE {} SET price = 0"])
def test_a_partition_is_not_reached_past_its_parent(role, statement):
    world = make_world()
    world.accept()
    today = name_of(datetime.now(UTC).date())

    with pytest.raises(ProgrammingError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {role}")
        cursor.execute(statement.format(today))

    assert isinstance(refusal.value.__cause__, psycopg.errors.InsufficientPrivilege)
    assert world.message().price > 0


def test_only_the_engine_makes_days():
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {tenancy.WEB_ROLE}")
        cursor.execute("SELECT make_message_partition(%s)", [FAR])


# --- days past retention

TODAY = datetime.now(UTC).date()


def after_retention(settings, days=0):
    """The first day on which today's messages are past retention."""
    return TODAY + timedelta(days=settings.MESSAGE_RETENTION_DAYS + 1 + days)


@pytest.fixture
def without_floor(db):
    """The function refuses the last seven days by the database's own clock, which no test moves: shown below."""
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE signalbox_owner")
        cursor.execute("SELECT pg_get_functiondef('drop_message_partition'::regproc)")
        (made,) = cursor.fetchone()
        cursor.execute(made.replace("::date - 7", "::date + 999"))
        cursor.execute("SET ROLE signalbox_engine")


@pytest.mark.usefixtures("without_floor")
def test_a_day_past_retention_goes_with_all_that_belonged_to_it(settings):
    world = make_world()
    world.accept(3)
    world.report(*[(reference, "delivered") for reference in world.send()])
    held = world.balance("revenue", world.operator)

    dropped = drop_past_days(today=after_retention(settings))
    delete_leftovers(today=after_retention(settings))

    assert TODAY in dropped
    assert (Message.objects.count(), Attempt.objects.count(), DeliveryReceipt.objects.count()) == (0, 0, 0)
    assert TrafficCount.objects.filter(status=90).count() == 1
    assert world.balance("revenue", world.operator) == held > 0
    assert problems() == []


@pytest.mark.usefixtures("without_floor")
def test_a_day_with_a_message_on_its_way_stays_with_its_attempts(settings):
    world = make_world()
    world.accept(2)
    references = world.send()
    world.report((next(iter(references)), "delivered"))

    dropped = drop_past_days(today=after_retention(settings, days=30))
    delete_leftovers(today=after_retention(settings, days=30))

    assert TODAY not in dropped
    assert Message.objects.count() == 2
    assert Attempt.objects.count() == 2


def test_a_day_inside_retention_stays(settings):
    world = make_world()
    world.accept()

    assert drop_past_days(today=after_retention(settings, days=-2)) == []
    assert Message.objects.count() == 1


def test_the_database_itself_refuses_to_drop_the_last_seven_days():
    make_days_ahead()

    with pytest.raises(ProgrammingError, match="never dropped"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT drop_message_partition(%s)", [TODAY - timedelta(days=1)])


def test_only_the_engine_drops_days():
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {tenancy.WEB_ROLE}")
        cursor.execute("SELECT drop_message_partition(%s)", [FAR])


def test_leftovers_of_the_days_that_are_kept_stay(settings):
    world = make_world()
    world.accept(2)
    world.send()

    assert delete_leftovers(today=TODAY) == dict.fromkeys(LEFTOVERS, 0)
    assert Attempt.objects.count() == 2


@pytest.mark.parametrize("table", LEFTOVERS)
def test_leftovers_are_found_by_an_index_however_many_rows_are_kept(table):
    bounds = {"first_message": uuid7(), "first_moment": "2026-01-01", "first_answer": uuid7(), "batch": 10}

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute("EXPLAIN " + LEFTOVERS[table], bounds)
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "Sort" not in plan
    assert "Index" in plan
