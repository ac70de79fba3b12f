"""A kept connection is looked at before each request and task: without a round trip, and no dead one is taken for alive."""

import select
from datetime import UTC, datetime

import psycopg
import pytest
from django.db import DataError, OperationalError, close_old_connections, connection, connections, transaction
from django.db.backends.postgresql import psycopg_any

from kit.postgresql import base
from kit.sql import planned_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def kept():
    """The connection as it is between two requests."""
    connection.close()
    connection.health_check_enabled = True
    connection.ensure_connection()
    yield connection
    connection.health_check_enabled = False
    connection.close()


def backend(wrapper=connection) -> int:
    with wrapper.cursor() as cursor:
        return cursor.execute("SELECT pg_backend_pid()").fetchone()[0]


def statements_between_requests(wrapper) -> int:
    """How many statements the next request's first look at the connection costs, right after another's."""
    wrapper.is_usable()
    asked = []

    class Watched(psycopg.Cursor):
        def execute(self, query, *args, **kwargs):
            asked.append(query)
            return super().execute(query, *args, **kwargs)

    wrapper.connection.cursor_factory = Watched
    close_old_connections()
    wrapper.ensure_connection()
    wrapper.close_if_health_check_failed()
    return len(asked)


def test_a_connection_that_lives_is_kept_and_not_asked(kept):
    before = backend()

    assert statements_between_requests(kept) == 0
    assert backend() == before


def test_a_connection_nobody_looked_at_for_long_is_asked(kept, monkeypatch):
    monkeypatch.setattr(base, "LONGEST_TRUST_SECONDS", 0)

    assert statements_between_requests(kept) == 1


def test_a_connection_in_a_failed_transaction_is_not_usable(kept):
    kept.is_usable()
    with pytest.raises(DataError), transaction.atomic(), kept.cursor() as cursor:
        try:
            cursor.execute("SELECT 1 / 0")
        finally:
            assert not kept.is_usable()

    assert kept.is_usable()


def test_a_session_that_was_ended_is_noticed_before_the_next_request(kept):
    before = backend()
    end_session(kept)

    close_old_connections()

    assert backend() != before


def test_without_a_look_the_next_request_would_fail(kept):
    kept.health_check_enabled = False
    end_session(kept)

    close_old_connections()

    with pytest.raises(OperationalError):
        backend()


def test_what_the_server_only_remarks_does_not_cost_the_connection(kept):
    before = backend()
    with kept.cursor() as cursor:
        cursor.execute("LISTEN remarks")
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("NOTIFY remarks")
    other.close()

    close_old_connections()

    assert backend() == before


def end_session(wrapper) -> None:
    """Have the server end the session by itself, and wait for its word."""
    with wrapper.cursor() as cursor:
        cursor.execute("SET idle_session_timeout = '1ms'")
    assert select.select([wrapper.connection.fileno()], [], [], 30)[0]


@pytest.mark.parametrize(
    "said", ["2026-11-23 08:39:32.123456+00", "1999-12-31 23:59:59+14", "2026-02-28 12:00:00-03:30"]
)
def test_a_time_is_read_in_utc_whoever_reads_it(kept, said):
    with kept.cursor() as cursor:
        (read,) = cursor.execute("SELECT %s::timestamptz", [said]).fetchone()
    [(planned,)] = planned_once("SELECT %s::timestamptz", [said], size=1)

    assert read == planned == datetime.fromisoformat(said)
    assert read.tzinfo is planned.tzinfo is UTC


def test_times_are_not_read_in_python(kept, monkeypatch):
    """Nor where rows are read from a cursor of the server's, a portion at a time."""
    monkeypatch.setattr(psycopg_any.BaseTzLoader, "load", None)

    with kept.cursor() as cursor:
        assert cursor.execute("SELECT now()").fetchone()
    with transaction.atomic(), kept.chunked_cursor() as cursor:
        cursor.execute("SELECT now()")
        assert cursor.fetchone()
