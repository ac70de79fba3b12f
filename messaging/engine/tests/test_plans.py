"""What a batch, and a look through the books, costs when the last ANALYZE saw a quiet hour or an empty house."""

import pytest

from billing.ledger.books import EVERYTHING, problems
from kit.ids import made_at
from kit.sql import rows
from kit.tests.plans import analyse, rows_looked_at
from messaging.engine.models import Message
from messaging.engine.receipts import store_news
from messaging.engine.states import Status

from .factories import World, make_world
from .receipts import news_of

pytestmark = pytest.mark.django_db
BATCH = 1_000
#: How many rows a step of a statement may look at for each message of a batch.
A_MESSAGE = 20


@pytest.fixture
def quiet() -> World:
    """Two batches wait of which the planner knows nothing: when it last looked, all was final and the queue empty."""
    world = make_world(funds="1000.00")
    world.accept(BATCH)
    world.report(*((reference, "delivered") for reference in world.send(BATCH)))
    analyse()
    world.accept(2 * BATCH)
    return world


def test_a_batch_is_claimed_sent_and_settled_without_comparing_each_with_each(quiet):
    with rows_looked_at() as most:
        sent = quiet.send(BATCH)
        quiet.report(*((reference, "delivered") for reference in sent))

    assert len(sent) == BATCH
    assert {sql: seen for sql, seen in most.items() if seen > A_MESSAGE * BATCH} == {}


def test_the_books_of_a_house_filled_since_it_was_analysed_are_checked_without_comparing_each_with_each():
    world = make_world(funds="1000.00")
    analyse()
    world.accept(BATCH)
    world.report(*((reference, "delivered") for reference in world.send(BATCH)))

    with rows_looked_at("SELECT * FROM (") as most:
        assert problems(EVERYTHING) == []

    assert len(most) == len(EVERYTHING)
    assert {sql: seen for sql, seen in most.items() if seen > A_MESSAGE * BATCH} == {}


def days_locked() -> set[str]:
    """The days' partitions that this transaction has a lock on."""
    found = rows(
        "SELECT DISTINCT relname FROM pg_locks JOIN pg_class ON pg_class.oid = relation"
        " WHERE pid = pg_backend_pid() AND relname ~ '^engine_message_[0-9]+$'"
    )
    return {day for (day,) in found}


def test_a_small_batch_looks_at_no_day_but_its_own():
    """A platform keeps four hundred days: a plan for all of them takes longer than the batch, and locks them all."""
    world = make_world()
    accepted = world.accept(3).messages

    store_news(channel_id=world.channel.pk, **news_of(*((reference, "delivered") for reference in world.send())))

    assert days_locked() == {f"engine_message_{made_at(message.id):%Y%m%d}" for message in accepted}
    assert {message.status for message in Message.objects.all()} == {Status.DELIVERED}
