"""From a final state to the customer's server, at a server of the test's own."""

import json
import threading
from datetime import timedelta

import pytest
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from kit.tests.outbound import listening
from messaging.engine.api.bodies import message_body
from messaging.engine.models import Message
from messaging.engine.states import Status
from messaging.engine.tests.factories import make_world
from messaging.hooks.actions import replay, rotate_secret, send_test, switch_off
from messaging.hooks.collecting import collect_missed, collect_settled
from messaging.hooks.models import WebhookDelivery, WebhookEndpoint
from messaging.hooks.rules.pauses import PAUSES, pause_after
from messaging.hooks.tasks.courier import deliver_ripe
from messaging.hooks.tasks.sweeping import sweep, switch_off_hopeless
from messaging.hooks.tests.factories import make_final, make_webhook

pytestmark = pytest.mark.django_db
DONE, WAITING, FAILED = WebhookDelivery.Status.DONE, WebhookDelivery.Status.WAITING, WebhookDelivery.Status.FAILED
#: Where nobody listens: connecting is refused at once.
NOBODY = "http://127.0.0.1:9/"


@pytest.fixture(autouse=True)
def trusting(settings):
    settings.OUTBOUND_ALLOWED_PRIVATE = ["127.0.0.1"]


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def listener():
    with listening() as listener:
        yield listener


def collect_all() -> int:
    return collect_missed(final_within=timedelta(hours=1), accepted_within=timedelta(hours=1))


def make_ripe() -> None:
    """Let the pauses pass."""
    past = timezone.now() - timedelta(seconds=1)
    WebhookDelivery.objects.filter(status=WAITING).update(due_at=past)
    WebhookEndpoint.objects.update(paused_until=None)


def test_a_final_message_is_told_with_its_body_and_a_signature(world, listener, django_capture_on_commit_callbacks):
    _, secret = make_webhook(world.customer, listener.url)

    with django_capture_on_commit_callbacks(execute=True):
        (message,) = make_final(world, Status.DELIVERED)

    (call,) = listener.received
    event = Webhook(secret).verify(call.body, call.headers)
    assert event["type"] == "message.delivered"
    assert event["data"] == json.loads(json.dumps(message_body(message)))
    assert event["timestamp"] == event["data"]["final_at"]
    delivery = WebhookDelivery.objects.get()
    assert (delivery.status, delivery.tries, delivery.last_status) == (DONE, 1, 200)
    assert call.headers["webhook-id"] == str(delivery.pk)


@pytest.mark.parametrize("status", [status for status in Status if status.is_final])
def test_each_final_state_has_its_event(world, listener, status):
    make_webhook(world.customer, listener.url)
    make_final(world, status)

    collect_all()
    deliver_ripe()

    (call,) = listener.received
    assert json.loads(call.body)["type"] == f"message.{status.name.lower()}"


def test_collecting_again_tells_nobody_twice(world, listener):
    make_webhook(world.customer, listener.url)
    messages = make_final(world, Status.DELIVERED, Status.UNDELIVERED)
    ids = [message.pk for message in messages]

    assert (collect_settled(ids), collect_settled(ids), collect_all()) == (2, 0, 0)
    deliver_ripe()
    collect_all()
    deliver_ripe()

    assert len(listener.received) == 2


def test_what_the_event_missed_is_found_by_the_sweeper(world, listener):
    make_webhook(world.customer, listener.url)
    make_final(world, Status.DELIVERED)

    assert sweep()
    deliver_ripe()

    assert len(listener.received) == 1


def test_what_is_not_final_or_was_final_before_is_not_told(world):
    before = make_final(world, Status.DELIVERED)
    Message.objects.filter(pk=before[0].pk).update(final_at=timezone.now() - timedelta(seconds=5))
    make_webhook(world.customer)
    world.accept()

    assert collect_all() == 0


def test_nobody_is_told_of_another_tenants_messages(world, listener):
    stranger = make_world()
    make_webhook(stranger.customer, listener.url)
    make_webhook(world.agent, listener.url)
    make_final(world, Status.DELIVERED)

    assert collect_all() == 0


@pytest.mark.parametrize("answer", [302, 404, 410, 429, 500, 503])
def test_an_answer_that_is_no_success_is_tried_again_later(world, answer):
    with listening(lambda received, handler: answer) as listener:
        make_webhook(world.customer, listener.url)
        make_final(world, Status.DELIVERED)
        collect_all()
        deliver_ripe()
        first = WebhookDelivery.objects.get()
        deliver_ripe()

        assert len(listener.received) == 1
        assert (first.status, first.tries, first.last_status) == (WAITING, 1, answer)
        assert first.due_at > timezone.now()
        make_ripe()
        deliver_ripe()

    assert len(listener.received) == 2
    assert listener.received[0].headers["webhook-id"] == listener.received[1].headers["webhook-id"]
    assert WebhookDelivery.objects.get().tries == 2


def test_a_server_that_comes_back_hears_everything_once(world):
    answers = iter([500, 500, 200])
    with listening(lambda received, handler: next(answers)) as listener:
        endpoint, _ = make_webhook(world.customer, listener.url)
        make_final(world, Status.DELIVERED)
        collect_all()
        for _round in range(4):
            deliver_ripe()
            make_ripe()

    endpoint.refresh_from_db()
    assert len(listener.received) == 3
    assert WebhookDelivery.objects.get().status == DONE
    assert (endpoint.failures, endpoint.failing_since) == (0, None)


def test_pauses_grow_and_reach_over_a_day():
    pauses = [pause_after(tries).total_seconds() for tries in range(1, 20)]

    assert pauses[: len(PAUSES)] == sorted(PAUSES)
    assert sum(pauses[:14]) > 24 * 3600


def test_after_a_day_an_event_is_given_up_and_shown(world):
    make_webhook(world.customer, NOBODY)
    make_final(world, Status.DELIVERED)
    collect_all()
    WebhookDelivery.objects.update(give_up_at=timezone.now())

    deliver_ripe()

    delivery = WebhookDelivery.objects.get()
    assert delivery.status == FAILED
    assert "No connection" in delivery.last_error


def test_an_event_that_was_given_up_can_be_sent_again(world, listener):
    endpoint, _ = make_webhook(world.customer, listener.url)
    make_final(world, Status.DELIVERED)
    collect_all()
    WebhookDelivery.objects.update(status=FAILED, tries=9)

    with world.customer.scope():
        replay(delivery=WebhookDelivery.objects.select_related("endpoint").get(), by=None)
    deliver_ripe()

    assert len(listener.received) == 1
    assert WebhookDelivery.objects.get().status == DONE


def test_a_dead_endpoint_does_not_hold_up_others(world):
    """Fifty events wait for a server that never answers; a neighbour's come through meanwhile."""
    stuck, neighbour = make_world(), world
    stuck.fund("10.00")
    release = threading.Event()

    with listening(lambda received, handler: release.wait(3) and None) as silent, listening() as listener:
        make_webhook(stuck.customer, silent.url)
        make_webhook(neighbour.customer, listener.url)
        WebhookEndpoint.objects.filter(organisation=stuck.customer).update(failures=3)
        make_final(stuck, *[Status.DELIVERED] * 50)
        make_final(neighbour, *[Status.DELIVERED] * 20)
        collect_all()
        heard = threading.Thread(target=_release_when, args=(listener, 20, release))
        heard.start()
        deliver_ripe()
        heard.join()

    assert len(listener.received) == 20
    assert len(silent.received) <= 2
    assert WebhookDelivery.objects.filter(organisation=neighbour.customer, status=DONE).count() == 20


def _release_when(listener, count, release) -> None:
    """Let the silent server go once the neighbour has heard everything."""
    for _ in range(300):
        if len(listener.received) >= count:
            break
        release.wait(0.01)
    release.set()


def test_after_a_rotation_both_secrets_verify(world, listener):
    endpoint, old = make_webhook(world.customer, listener.url)
    with world.customer.scope():
        new = rotate_secret(endpoint=endpoint, by=None)
    make_final(world, Status.DELIVERED)
    collect_all()
    deliver_ripe()

    (call,) = listener.received
    for secret in (old, new):
        assert Webhook(secret).verify(call.body, call.headers)["type"] == "message.delivered"


def test_a_day_after_a_rotation_only_the_new_secret_signs(world, listener):
    endpoint, _ = make_webhook(world.customer, listener.url)
    with world.customer.scope():
        rotate_secret(endpoint=endpoint, by=None)
    WebhookEndpoint.objects.update(previous_secret_until=timezone.now() - timedelta(seconds=5))
    make_final(world, Status.DELIVERED)
    collect_all()
    deliver_ripe()

    assert len(listener.received[0].headers["webhook-signature"].split()) == 1


def test_a_test_event_is_tried_once(world, django_capture_on_commit_callbacks):
    endpoint, _ = make_webhook(world.customer, NOBODY)
    with django_capture_on_commit_callbacks(execute=True), world.customer.scope():
        send_test(endpoint=endpoint, by=None)

    delivery = WebhookDelivery.objects.get()
    assert (delivery.event, delivery.status, delivery.tries) == ("webhook.test", FAILED, 1)


def test_a_private_address_is_never_called(world, settings):
    with listening() as listener:
        make_webhook(world.customer, listener.url)
        settings.OUTBOUND_ALLOWED_PRIVATE = []
        make_final(world, Status.DELIVERED)
        collect_all()
        deliver_ripe()

    assert listener.received == []
    assert "80 or 443" in WebhookDelivery.objects.get().last_error


def test_what_has_failed_for_a_day_is_switched_off(world):
    endpoint, _ = make_webhook(world.customer, NOBODY)
    make_final(world, Status.DELIVERED)
    collect_all()
    deliver_ripe()
    assert WebhookEndpoint.objects.get().is_failing
    switch_off_hopeless(now=timezone.now() + timedelta(hours=23))
    assert WebhookEndpoint.objects.get().is_active

    switch_off_hopeless(now=timezone.now() + timedelta(hours=25))

    assert not WebhookEndpoint.objects.get().is_active
    assert WebhookDelivery.objects.get().status == FAILED


def test_a_webhook_that_is_off_collects_nothing(world):
    endpoint, _ = make_webhook(world.customer)
    with world.customer.scope():
        switch_off(endpoint=endpoint, by=None)
    make_final(world, Status.DELIVERED)

    assert collect_all() == 0


def test_a_secret_nobody_can_open_stops_only_its_own_webhook(world, listener):
    broken, _ = make_webhook(world.customer, listener.url)
    WebhookEndpoint.objects.filter(pk=broken.pk).update(sealed_secret="not sealed by us")
    make_webhook(world.customer, listener.url)
    make_final(world, Status.DELIVERED)
    collect_all()

    deliver_ripe()

    assert len(listener.received) == 1
    assert "can't be read" in WebhookDelivery.objects.get(endpoint=broken).last_error


def test_who_lost_its_lease_does_not_write_the_outcome(world):
    def take_away(received, handler):
        return 200

    with listening(take_away) as listener:
        make_webhook(world.customer, listener.url)
        make_final(world, Status.DELIVERED)
        collect_all()
        from messaging.hooks.claims import Outcome, claim, record

        (mine,) = claim(limit=5, busy={})
        assert claim(limit=5, busy={}) == []
        make_ripe()
        (theirs,) = claim(limit=5, busy={})
        record([Outcome(mine, 500, "late")])
        assert WebhookDelivery.objects.get().lease_until == theirs.lease_until
        record([Outcome(theirs, 200, "")])

    assert WebhookDelivery.objects.get().status == DONE
