"""Plans that are kept while the tables under them change."""

import pytest
from django.db import OperationalError, ProgrammingError, connection, connections, transaction
from django.db.transaction import TransactionManagementError

from kit.postgresql.base import PLANS_KEPT_SECONDS
from kit.sql import planned_once, rows, run

pytestmark = pytest.mark.django_db(transaction=True)
ASK = "SELECT word FROM words_for_a_test"
FIND = "SELECT word FROM words_for_a_test WHERE word = ANY(%(words)s::text[])"


@pytest.fixture
def words():
    run("CREATE TEMP TABLE words_for_a_test (word varchar(5))")
    run("INSERT INTO words_for_a_test VALUES ('short')")
    yield
    run("DROP TABLE words_for_a_test")


def migrate(statement):
    """As from another process: the driver, which forgets its plans when it sees such a statement, is not told."""
    connection.connection.pgconn.exec_(statement.encode())


def ask():
    with transaction.atomic():
        return planned_once(ASK, {}, size=1)


def test_a_column_made_wider_asks_for_one_more_try(words):
    assert ask() == [("short",)]
    migrate("ALTER TABLE words_for_a_test ALTER word TYPE varchar(10)")

    with pytest.raises(OperationalError):
        ask()

    assert ask() == [("short",)]


def test_a_column_added_disturbs_nobody(words):
    ask()
    migrate("ALTER TABLE words_for_a_test ADD more text")

    assert ask() == [("short",)]


@pytest.fixture
def clock(monkeypatch):
    """The seconds that the connection's clock shows; a test moves them on."""
    shown = [1_000_000.0]
    monkeypatch.setattr("kit.postgresql.base.monotonic", lambda: shown[0])
    monkeypatch.setattr(connections["default"], "_plans_since", 0.0)
    return shown


def find(*words):
    return planned_once(FIND, {"words": "{" + ",".join(words) + "}"}, size=len(words))


def prepared():
    """Name, plans for all parameters and plans for just these, of the one statement of ours that is prepared."""
    (one,) = rows("SELECT name, generic_plans, custom_plans FROM pg_prepared_statements WHERE statement ~ 'ANY'")
    return one


def plan():
    name, _generic, _custom = prepared()
    return "\n".join(line for (line,) in rows(f"EXPLAIN EXECUTE {name} ('{{}}')"))


def test_a_plan_serves_whatever_is_asked(words):
    for asked in (["short"], ["short", "other"], ["other"]) * 5:
        assert find(*asked) == [("short",)] * ("short" in asked)

    _name, generic, custom = prepared()
    assert (generic, custom) == (15, 0)


def test_a_plan_made_for_a_small_table_does_not_outlive_its_growth(words, clock):
    run("CREATE INDEX ON words_for_a_test (word)")
    find("short")
    assert "Seq Scan" in plan()
    run("INSERT INTO words_for_a_test SELECT n FROM generate_series(1, 99999) n")

    find("short")
    assert "Seq Scan" in plan(), "it is kept meanwhile"
    clock[0] += PLANS_KEPT_SECONDS + 1
    find("short")

    assert "Seq Scan" not in plan()


def test_plans_are_not_renewed_in_a_transaction_that_is_broken(words, clock):
    with transaction.atomic():
        with pytest.raises(ProgrammingError), transaction.atomic(savepoint=False):
            run("SELECT nothing_of_the_kind()")
        clock[0] += PLANS_KEPT_SECONDS + 1

        with pytest.raises(TransactionManagementError):
            find("short")
