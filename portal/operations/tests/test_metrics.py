"""/metrics tells how the house stands, to those who may know, without a tenant's row being seen."""

import pytest
from django.db import connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from accounts.tests.factories import make_api_key, make_customer
from kit import tenancy
from kit.sql import rows, run
from messaging.channels.breakers import close_breaker, open_breaker
from messaging.engine.receipts import store_news
from messaging.engine.tests.factories import make_world
from messaging.engine.tests.receipts import news_of
from portal.celery import app
from portal.operations import facts
from portal.operations.metrics import figures
from portal.operations.metrics.figures import PARTS, Kept, read_all, read_part
from portal.operations.metrics.http import DURATION
from portal.operations.metrics.names import METRICS, PREFIX
from portal.queues import QUEUES

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr("portal.operations.metrics.page.kept", read_all)


def scraped(client=None, **headers) -> dict[str, dict[tuple, float]]:
    """Sample name to values by its labels, in the order of their names."""
    answer = (client or Client()).get("/metrics", headers=headers)
    assert answer.status_code == 200
    found: dict[str, dict[tuple, float]] = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(value for _, value in sorted(sample.labels.items()))] = sample.value
    return found


def test_it_counts_what_was_accepted_handed_over_and_settled():
    world = make_world()
    world.accept(3)
    first, *_ = world.send(limit=2)
    world.report((first, "delivered"))

    found = scraped()

    assert found["signalbox_messages_total"] == {
        ("notice", "queued"): 3, ("notice", "submitted"): 2, ("notice", "delivered"): 1,
    }  # fmt: skip
    assert found["signalbox_queue_ripe_messages"] == {("Simulator", "notice"): 1}
    assert found["signalbox_queue_oldest_ripe_seconds"][("Simulator", "notice")] >= 0


def test_it_tells_receipts_that_wait_and_for_how_long():
    world = make_world()
    store_news(channel_id=world.channel.pk, **news_of(("nobodys", "delivered")))
    run("UPDATE engine_deliveryreceipt SET received_at = now() - interval '90 seconds'")

    found = scraped()

    assert found["signalbox_receipts_unfolded"][()] == 1
    assert 90 <= found["signalbox_receipts_oldest_unfolded_seconds"][()] < 100


def test_it_tells_which_channels_are_left_alone_and_for_how_long():
    channel = make_world().channel
    well = scraped()
    open_breaker(channel.pk, "throttled", worker="one", is_bound=True)
    run("UPDATE channels_breaker SET opened_at = now() - interval '5 minutes', retry_at = now() - interval '1 second'")

    troubled = scraped()
    close_breaker(channel.pk)
    well_again = scraped()

    assert well["signalbox_breaker_open"] == well_again["signalbox_breaker_open"] == {("Simulator",): 0}
    assert well["signalbox_breaker_open_seconds"] == {("Simulator",): 0}
    assert troubled["signalbox_breaker_open"] == {("Simulator",): 1}, "it is while it is tried, too"
    assert 300 <= troubled["signalbox_breaker_open_seconds"]["Simulator",] < 400


def test_a_channel_that_was_switched_off_is_not_told_of():
    channel = make_world().channel
    open_breaker(channel.pk, "throttled", worker="one", is_bound=True)
    run("UPDATE channels_channel SET is_active = false WHERE id = %s", [channel.pk])

    assert "signalbox_breaker_open" not in scraped()


def test_it_tells_when_beat_last_rang_and_whether_the_books_were_right():
    facts.note_tick()
    assert facts.check_books() == 0

    found = scraped()

    assert 0 <= found["signalbox_beat_last_tick_seconds"][()] < 10
    assert found["signalbox_books_problems"][()] == 0
    assert 0 <= found["signalbox_books_last_check_seconds"][()] < 10


def test_broken_books_are_told():
    world = make_world()
    run(
        "UPDATE ledger_account SET balance = balance + 1 WHERE kind = 'wallet' AND organisation_id = %s",
        [world.customer.pk],
    )

    assert facts.check_books() == 1
    assert scraped()["signalbox_books_problems"][()] == 1


def test_every_metric_is_there_in_a_house_at_work():
    make_world().accept()
    facts.note_tick()
    facts.check_books()

    told = {family.name for family in text_string_to_metric_families(Client().get("/metrics").content.decode())}

    assert {PREFIX + metric.name for metric in METRICS} | {DURATION._name} <= told


def test_requests_are_timed_by_view_and_status_whatever_is_asked_for():
    client = Client()
    before = scraped(client)["signalbox_http_request_duration_seconds_count"]

    client.get("/nothing-here-1")
    client.get("/nothing-here-2")
    client.get("/healthz")
    after = scraped(client)["signalbox_http_request_duration_seconds_count"]

    assert after[("GET", "404", "none")] == before.get(("GET", "404", "none"), 0) + 2
    assert after[("GET", "200", "healthz")] == before.get(("GET", "200", "healthz"), 0) + 1


# --- who may see it


@pytest.mark.parametrize(
    ("_case", "networks", "token", "address", "headers", "status"),
    [
        ("next door", ["127.0.0.0/8"], "", "127.0.0.1", {}, 200),
        ("in the network", ["10.0.0.0/8"], "", "10.1.2.3", {}, 200),
        ("a stranger", ["10.0.0.0/8"], "", "192.0.2.1", {}, 404),
        ("no network", [], "", "127.0.0.1", {}, 404),
        ("behind a proxy nobody vouched for", ["127.0.0.0/8"], "", "127.0.0.1", {"X-Forwarded-For": "192.0.2.1"}, 404),
        ("the token", [], "t0ken", "192.0.2.1", {"Authorization": "Bearer t0ken"}, 200),
        ("another token", [], "t0ken", "192.0.2.1", {"Authorization": "Bearer token"}, 404),
        ("no token set", [], "", "192.0.2.1", {"Authorization": "Bearer "}, 404),
    ],
)
def test_only_who_may_sees_it(_case, networks, token, address, headers, status, settings):
    settings.METRICS_NETWORKS, settings.METRICS_TOKEN = networks, token

    assert Client(REMOTE_ADDR=address).get("/metrics", headers=headers).status_code == status


def test_a_customers_key_opens_nothing(settings):
    settings.METRICS_NETWORKS = []
    _, secret = make_api_key(make_customer())

    assert Client().get("/metrics", headers={"Authorization": f"Bearer {secret}"}).status_code == 404


# --- what it costs and what it may read


def test_a_part_that_takes_too_long_takes_only_itself_away(monkeypatch):
    monkeypatch.setattr(figures, "STATEMENT_TIMEOUT", "20ms")
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE signalbox_owner")
        cursor.execute("ALTER FUNCTION house_figures(text) RENAME TO figures_before")
        cursor.execute(
            "CREATE FUNCTION house_figures(part text) RETURNS TABLE (name text, labels jsonb, value double precision)"
            " LANGUAGE plpgsql AS $$ BEGIN IF part = 'queue' THEN PERFORM pg_sleep(5); END IF;"
            " RETURN QUERY SELECT * FROM figures_before(part); END $$"
        )
        cursor.execute("GRANT EXECUTE ON FUNCTION house_figures(text) TO signalbox_web")
        cursor.execute("SET ROLE signalbox_engine")

    found = scraped()

    assert found["signalbox_figures_failed"][("queue",)] == 1
    assert sum(found["signalbox_figures_failed"].values()) == 1
    assert "signalbox_receipts_unfolded" in found


def test_without_a_broker_the_rest_is_told(settings, monkeypatch):
    monkeypatch.setattr("portal.celery.app.conf.broker_url", "redis://127.0.0.1:1/0")
    monkeypatch.setattr("portal.celery.app.conf.broker_read_url", "redis://127.0.0.1:1/0")

    found = scraped()

    assert found["signalbox_broker_up"][()] == 0
    assert "signalbox_celery_queue_length" not in found
    assert "signalbox_receipts_unfolded" in found


def test_rings_that_wait_are_counted_by_queue():
    with app.connection_for_write() as broker, broker.SimpleQueue("hooks") as hooks:
        hooks.put({"a": "ring"})
        found = scraped()
        hooks.clear()

    assert found["signalbox_broker_up"][()] == 1
    lengths = found["signalbox_celery_queue_length"]  # other tests ring at the same broker
    assert lengths.keys() == {(queue,) for queue in QUEUES}
    assert lengths["hooks",] >= 1


def test_many_scrapes_at_once_read_once():
    times = []
    kept = Kept(lambda: times.append(1) or {}, seconds=60)

    kept(), kept(), kept()

    assert len(times) == 1


@pytest.mark.parametrize("part", PARTS)
def test_the_web_reads_every_part_and_still_no_row(part):
    make_world().accept()

    assert read_part(part) is not None
    with tenancy.as_visitor():
        assert rows("SELECT count(*) FROM engine_queueentry") == [(0,)]
        run("SET LOCAL app.figures = 'on'")
        assert rows("SELECT count(*) FROM engine_queueentry") == [(0,)]
