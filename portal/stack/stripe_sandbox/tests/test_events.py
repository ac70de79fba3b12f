"""Webhooks under every habit.  Each test has a sandbox of its own, because habits are set at the start."""

import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
import stripe

from .world import SECRET, eventually, open_shop, pay, run_sandbox, session_params


@pytest.fixture
def shop():
    with open_shop() as shop:
        yield shop


def buy(running, count=1):
    sessions = [running.stripe.v1.checkout.sessions.create(session_params()) for _ in range(count)]
    for session in sessions:
        assert pay(session)[0].status == 303
    return [session.id for session in sessions]


def test_a_refused_webhook_comes_again_and_keeps_its_id(shop):
    with run_sandbox(webhook_url=shop.url) as running:
        shop.status = 500
        [session] = buy(running)
        refused = set(eventually(lambda: len(set(shop.refused)) == 3 and shop.refused))
        pending = running.stripe.v1.events.list({"type": "checkout.session.completed"}).data[0].id
        assert running.stripe.v1.events.retrieve(pending).pending_webhooks == 1

        shop.status = 200
        eventually(lambda: "checkout.session.completed" in shop.types(session))

    assert {event.id for event in shop.events} <= refused


def test_in_duplicate_mode_every_event_comes_twice(shop):
    with run_sandbox("--duplicate-events", webhook_url=shop.url) as running:
        buy(running)
        eventually(lambda: len(shop.events) == 6)

    assert set(Counter(event.id for event in shop.events).values()) == {2}


def test_in_shuffle_mode_events_come_in_an_order_of_the_seeds_choosing(shop):
    with run_sandbox("--shuffle-events", "--seed", "7", webhook_url=shop.url) as running:
        buy(running, 4)
        eventually(lambda: len(shop.events) == 12)
        made = [event.id for event in running.stripe.v1.events.list({"limit": 100}).data][::-1]

    came = [event.id for event in shop.events]
    assert sorted(came) == sorted(made)
    assert came != made


def test_a_dropped_event_can_be_found_in_the_list_and_sent_again(shop):
    began = int(time.time())
    with run_sandbox("--drop-events", "1", webhook_url=shop.url) as running:
        [session] = buy(running)
        lost = running.stripe.v1.events.list({"type": "checkout.session.completed", "created": {"gte": began}}).data
        assert [event.data.object.id for event in lost] == [session]
        assert running.stripe.v1.events.list({"created": {"lt": began}}).data == []
        assert shop.events == []

        running.stripe.raw_request("post", f"/v1/events/{lost[0].id}/retry")
        eventually(lambda: [event.id for event in shop.events] == [lost[0].id])


def test_events_are_found_by_pattern_and_by_several_types(shop):
    with run_sandbox(webhook_url=shop.url) as running:
        buy(running)
        pattern = running.stripe.v1.events.list({"type": "checkout.*"}).data
        several = running.stripe.v1.events.list({"types": ["charge.succeeded", "payment_intent.succeeded"]}).data

    assert [event.type for event in pattern] == ["checkout.session.completed"]
    assert {event.type for event in several} == {"charge.succeeded", "payment_intent.succeeded"}


def test_a_webhook_proves_that_it_was_signed_with_our_secret(shop):
    with run_sandbox(webhook_url=shop.url) as running:
        buy(running)
        payload, header = eventually(lambda: shop.letters and shop.letters[0])

    assert stripe.Webhook.construct_event(payload, header, SECRET).id == shop.events[0].id
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(payload, header, "whsec_another")
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(payload + b" ", header, SECRET)


def test_a_paid_session_stays_paid_when_everything_is_killed(shop, tmp_path):
    options = ("--state", str(tmp_path / "stripe.sqlite3"))
    with run_sandbox(*options, webhook_url=shop.url) as running:
        shop.status = 503
        [session] = buy(running)
        key = {"idempotency_key": "before-the-crash"}
        made = running.stripe.v1.checkout.sessions.create(session_params(), key).id
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait()

    shop.status = 200
    with run_sandbox(*options, webhook_url=shop.url) as running:
        paid = running.stripe.v1.checkout.sessions.retrieve(session)
        assert paid.payment_status == "paid"
        assert running.stripe.v1.payment_intents.retrieve(paid.payment_intent).status == "succeeded"
        assert running.stripe.v1.checkout.sessions.create(session_params(), key).id == made
        assert running.stripe.v1.refunds.create({"payment_intent": paid.payment_intent}).status == "succeeded"
        eventually(lambda: "checkout.session.completed" in shop.types(session))


def engine_of(pid):
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text())


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_engine_ends_with_its_parent(shop, number):
    with run_sandbox(webhook_url=shop.url) as running:
        engine = engine_of(running.process.pid)
        os.kill(running.process.pid, number)
        running.process.wait(10)

        eventually(lambda: not is_alive(engine))


def test_a_killed_engine_is_started_again_and_has_forgotten_nothing(shop):
    with run_sandbox(webhook_url=shop.url) as running:
        [session] = buy(running)
        os.kill(engine_of(running.process.pid), signal.SIGKILL)

        paid = running.stripe.v1.checkout.sessions.retrieve(session)
        assert eventually(lambda: running.stripe.v1.payment_intents.retrieve(paid.payment_intent)).status == "succeeded"


def test_it_listens_on_loopback_only(shop):
    with run_sandbox(webhook_url=shop.url) as running:
        pids = (running.process.pid, engine_of(running.process.pid))
        addresses = [address for pid in pids for address in listening(pid)]

    assert len(addresses) == 2
    assert set(addresses) == {"0100007F"}


def listening(pid):
    """The local addresses a process listens on, as the kernel writes them."""
    links = (f"/proc/{pid}/fd/{name}" for name in os.listdir(f"/proc/{pid}/fd"))
    sockets = {link.rpartition("[")[2].rstrip("]") for link in map(read_link, links) if link.startswith("socket:")}
    tables = (Path(f"/proc/{pid}/net/{name}").read_text() for name in ("tcp", "tcp6"))
    rows = [line.split() for table in tables for line in table.splitlines()]
    return [row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[9] in sockets]


def read_link(path):
    try:
        return os.readlink(path)
    except FileNotFoundError:
        return ""
