"""Reports come from a real standby, in the scope of whoever asks, and from the primary when the standby is of no use."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, OperationalError, connection, connections, transaction
from django.utils import timezone

from accounts.tests.factories import make_agent, make_customer, signed_in
from kit import reports, tenancy
from kit.errors import DomainError
from kit.reports import REPLICA, ReportResponse, read_report
from messaging.engine.models import Message, TrafficCount
from messaging.engine.states import Status
from messaging.engine.tests.factories import make_world
from messaging.traffic.queries import tallies_by_organisation, tallies_of_spans
from messaging.traffic.tests.factories import count_traffic
from portal.operations.tests.standby import running_standby

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", REPLICA])


@pytest.fixture(scope="module", autouse=True)
def standby(django_db_setup):
    """The house knows of a standby, as if SIGNALBOX_REPORTS_DATABASE_URL named it."""
    with running_standby() as standby:
        connections.settings[REPLICA] = {
            **connections.settings["default"],
            "HOST": standby.socket,
            "OPTIONS": {"options": "-c default_transaction_read_only=on -c app.organisation="},
            "TEST": {**connections.settings["default"]["TEST"], "MIRROR": "default"},
        }
        yield standby
        connections[REPLICA].close()
        del connections[REPLICA]
        del connections.settings[REPLICA]


@pytest.fixture
def replica(standby, transactional_db, monkeypatch):
    monkeypatch.setattr(reports, "_resting_until", 0.0)
    connections[REPLICA].close()
    yield standby
    connections[REPLICA].close()


def accepted(organisation) -> int:
    now = timezone.now()
    with organisation.scope():
        [found] = tallies_of_spans(organisation, (now - timedelta(days=30), now + timedelta(hours=1)))
    return sum(tally.accepted for tally in found.values())


def exported(world) -> int:
    response = signed_in(world.customer).get("/messages.csv")
    return len(b"".join(response.streaming_content).decode().splitlines()) - 1


def end_its_session(replica) -> None:
    replica.ask(f"SELECT pg_terminate_backend({connections[REPLICA].connection.info.backend_pid}, 5000)")


def take_too_long(database: str) -> None:
    with connections[database].cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '100ms'")
        cursor.execute("SELECT count(*) FROM generate_series(1, 1000000000000)")


def test_figures_are_those_the_standby_has(replica):
    customer = make_customer()
    count_traffic(customer, Status.QUEUED, 3)
    with replica.held_back():
        count_traffic(customer, Status.QUEUED, 4)
        behind = accepted(customer)

    assert behind == 3
    assert accepted(customer) == 7


def test_an_export_is_what_the_standby_has_and_holds_no_transaction_of_the_primary(replica):
    world = make_world()
    world.accept(3)
    with replica.held_back():
        world.accept(2)
        response = signed_in(world.customer).get("/messages.csv")
        lines = iter(response.streaming_content)
        next(lines), next(lines)

        assert connections[REPLICA].in_atomic_block
        assert not connection.in_atomic_block
        assert len(list(lines)) == 2
    assert exported(world) == Message.objects.count() == 5


def test_the_standby_shows_each_tenant_its_own_rows_and_no_others(replica):
    agent = make_agent()
    below, stranger = make_customer(parent=agent), make_customer()
    for organisation in (agent, below, stranger):
        count_traffic(organisation, Status.QUEUED, 1)
    replica.catch_up()

    def seen(scope) -> set:
        with scope:
            return read_report(
                lambda database: (
                    database,
                    set(TrafficCount.objects.using(database).values_list("organisation_id", flat=True)),
                )
            )

    assert seen(below.scope()) == (REPLICA, {below.pk})
    assert seen(agent.scope()) == (REPLICA, {agent.pk})
    assert seen(agent.downline_scope()) == (REPLICA, {agent.pk, below.pk})
    assert seen(tenancy.as_visitor()) == (REPLICA, set())


def test_an_agents_report_reaches_below_it_on_the_standby(replica):
    agent = make_agent()
    below = make_customer(parent=agent)
    count_traffic(below, Status.QUEUED, 5)
    replica.catch_up()

    now = timezone.now()
    with agent.downline_scope():
        found = tallies_by_organisation(now - timedelta(days=1), now + timedelta(hours=1))

    assert {id: tally.accepted for id, tally in found.items()} == {below.pk: 5}


def test_nothing_can_be_written_in_a_report(replica):
    customer = make_customer()
    replica.catch_up()

    with customer.scope(), pytest.raises(DatabaseError, match="read-only"):
        read_report(lambda database: TrafficCount.objects.using(database).update(messages=0))


def test_what_a_report_found_is_saved_and_followed_on_the_primary(replica):
    world = make_world()
    world.accept(1)
    replica.catch_up()

    with world.customer.scope():
        message = read_report(lambda database: Message.objects.using(database).get())
        message.client_reference = "seen"
        message.save(update_fields=["client_reference"])

        assert message._state.db == "default"
        assert Message.objects.get().client_reference == "seen"


def test_a_standby_too_far_behind_is_not_asked(replica, settings):
    customer = make_customer()
    settings.REPORTS_MOST_SECONDS_BEHIND = 0
    with replica.held_back():
        count_traffic(customer, Status.QUEUED, 4)

        assert accepted(customer) == 4


def test_a_standby_that_gives_up_midway_is_not_asked_again_for_a_while(replica):
    customer = make_customer()
    count_traffic(customer, Status.QUEUED, 2)
    replica.catch_up()
    asked = []

    def read(database: str) -> int:
        asked.append(database)
        if database == REPLICA:
            end_its_session(replica)
        return TrafficCount.objects.using(database).count()

    with customer.scope():
        assert [read_report(read), read_report(read)] == [1, 1]
        assert asked == [REPLICA, "default", "default"]


def test_a_standby_that_gives_up_while_lines_are_sent_is_not_asked_again_for_a_while(replica):
    asked = []

    def lines(database: str):
        asked.append(database)
        yield "first"
        if database == REPLICA:
            end_its_session(replica)
        yield str(TrafficCount.objects.using(database).count())

    with make_customer().scope():
        cut_off, whole = ReportResponse(lines), ReportResponse(lines)
        sent = iter(cut_off)
        assert next(sent) == b"first"
        assert b"not whole" in next(sent)
        with pytest.raises(OperationalError):
            next(sent)

        assert list(whole) == [b"first", b"0"]
        assert asked == [REPLICA, "default"]


def test_what_a_standby_has_to_take_back_while_it_replays_is_asked_of_the_primary(replica):
    count_traffic(customer := make_customer(), Status.QUEUED, 2)
    replica.catch_up()

    def read(database: str) -> tuple[str, int]:
        if database == REPLICA:
            with connections[REPLICA].cursor() as cursor:
                cursor.execute("DO $$BEGIN RAISE 'conflict with recovery' USING ERRCODE = '40001'; END$$")
        return database, TrafficCount.objects.using(database).count()

    with customer.scope():
        assert read_report(read) == ("default", 1)
        assert read_report(str) == "default"


def test_what_takes_the_standby_too_long_is_refused_and_is_in_nobodys_way(replica):
    asked = []

    def read(database: str) -> None:
        asked.append(database)
        take_too_long(database)

    with make_customer().scope():
        with pytest.raises(DomainError, match="Choose a shorter span"):
            read_report(read)

        assert asked == [REPLICA]
        assert read_report(str) == REPLICA


def test_lines_that_take_the_standby_too_long_end_with_words_and_are_in_nobodys_way(replica):
    def lines(database: str):
        yield "first"
        take_too_long(database)

    with make_customer().scope():
        sent = iter(ReportResponse(lines))
        assert next(sent) == b"first"
        assert b"Choose a shorter span" in next(sent)
        with pytest.raises(DomainError):
            next(sent)

        assert read_report(str) == REPLICA


def test_what_is_wrong_with_a_report_is_told_and_not_tried_on_the_primary(replica):
    asked = []

    def read(database: str) -> None:
        asked.append(database)
        with connections[database].cursor() as cursor:
            cursor.execute("DO $$BEGIN RAISE 'no room for the sort' USING ERRCODE = '53400'; END$$")

    with make_customer().scope():
        with pytest.raises(OperationalError, match="no room"):
            read_report(read)

        assert asked == [REPLICA]
        assert read_report(str) == REPLICA


def test_without_a_standby_reports_are_read_from_the_primary(replica, monkeypatch):
    world = make_world()
    world.accept(2)
    monkeypatch.setitem(connections[REPLICA].settings_dict, "HOST", "/nowhere")

    assert accepted(world.customer) == 2
    assert exported(world) == 2
    assert transaction.get_autocommit()


def test_a_server_that_is_no_standby_is_not_asked(replica, monkeypatch):
    customer = make_customer()
    monkeypatch.setitem(connections[REPLICA].settings_dict, "HOST", connection.settings_dict["HOST"])

    with customer.scope():
        assert read_report(str) == "default"
