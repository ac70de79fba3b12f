"""The days of the message table: there before they are needed, and reached through their parent only."""

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from django.db import ProgrammingError, connection, transaction

from kit import tenancy
from kit.sql import rows
from messaging.engine.partitions import DAYS_AHEAD, make_days_ahead
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
