"""Plans that are kept while the tables under them change."""

import pytest
from django.db import OperationalError, connection, transaction

from kit.sql import planned_once, run

pytestmark = pytest.mark.django_db(transaction=True)
ASK = "SELECT word FROM words_for_a_test"


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
