"""The webhook pages, at their URLs."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from accounts.models import AuditEntry
from accounts.rules.permissions import Permission, Role, may
from accounts.tests.factories import make_customer, signed_in
from kit.ids import uuid7
from kit.sealing import unseal
from kit.tests.outbound import listening
from messaging.engine.states import Status
from messaging.engine.tests.factories import make_world
from messaging.hooks.collecting import collect_missed
from messaging.hooks.models import WebhookDelivery, WebhookEndpoint
from messaging.hooks.tests.factories import make_final, make_webhook

pytestmark = pytest.mark.django_db
LIST = "/webhooks/"


@pytest.fixture
def customer():
    return make_customer()


@pytest.fixture
def page(customer):
    return signed_in(customer, Role.DEVELOPER)


def add(page, url="https://hooks.example.com/in"):
    return page.post(reverse("messaging:webhook_new"), {"url": url})


def url_of(name, endpoint):
    return reverse(f"messaging:{name}", args=[endpoint.pk])


def test_an_account_without_webhooks_is_told_what_to_do(page):
    answer = page.get(LIST)

    assert answer.status_code == 200
    assert "No webhooks yet" in answer.content.decode()
    assert reverse("messaging:webhook_new") in answer.content.decode()


def test_a_webhook_is_added_and_its_secret_shown_once(page):
    answer = add(page)
    endpoint = WebhookEndpoint.objects.get()
    first, second = page.get(answer.url), page.get(answer.url)

    secret = unseal(endpoint.sealed_secret)
    assert secret.startswith("whsec_")
    assert Webhook(secret)
    assert secret in first.content.decode()
    assert "no-store" in first.headers["Cache-Control"]
    assert secret not in second.content.decode()
    assert secret not in endpoint.sealed_secret
    assert endpoint.url in page.get(LIST).content.decode()
    assert AuditEntry.objects.filter(action="webhook.created").exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://169.254.169.254/",
        "http://localhost:8000/",
        "ftp://x.example.com",
        "x",
        "http://[",
        "\0",
    ],
)
def test_an_address_we_do_not_call_is_refused_at_its_field(page, url):
    answer = add(page, url)

    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_the_eleventh_webhook_is_refused(page, customer):
    for number in range(10):
        make_webhook(customer, f"https://hooks.example.com/{number}")

    answer = add(page)

    assert answer.status_code == 422
    assert WebhookEndpoint.objects.count() == 10


@pytest.mark.parametrize("role", list(Role))
def test_only_roles_that_manage_webhooks_see_them(customer, role):
    make_webhook(customer)
    answer = signed_in(customer, role).get(LIST)

    assert answer.status_code == (200 if may(role, Permission.MANAGE_WEBHOOKS, kind=customer.kind) else 403)


def test_a_stranger_gets_not_found_for_everything(customer):
    endpoint, _ = make_webhook(customer)
    delivery = waiting(endpoint)
    stranger = signed_in(make_customer())

    for name in ("webhook", "webhook_remove"):
        assert stranger.get(url_of(name, endpoint)).status_code == 404
    for name in ("webhook_test", "webhook_rotate", "webhook_switch", "webhook_replay_failed", "webhook_remove"):
        assert stranger.post(url_of(name, endpoint)).status_code == 404, name
    assert stranger.post(url_of("webhook_replay", delivery)).status_code == 404
    assert endpoint.url not in stranger.get(LIST).content.decode()
    endpoint.refresh_from_db()
    assert endpoint.is_active


def waiting(endpoint, status=WebhookDelivery.Status.FAILED, **fields):
    now = timezone.now()
    return WebhookDelivery.objects.create(
        organisation_id=endpoint.organisation_id, endpoint=endpoint, message_id=uuid7(), event="message.delivered",
        status=status, due_at=now, give_up_at=now, **fields,
    )  # fmt: skip


def test_a_test_event_is_sent_and_its_answer_shown(page, customer, settings, django_capture_on_commit_callbacks):
    settings.OUTBOUND_ALLOWED_PRIVATE = ["127.0.0.1"]
    with listening() as listener:
        endpoint, secret = make_webhook(customer, listener.url)
        with django_capture_on_commit_callbacks(execute=True):
            page.post(url_of("webhook_test", endpoint))

    (call,) = listener.received
    assert Webhook(secret).verify(call.body, call.headers)["type"] == "webhook.test"
    assert "webhook.test" in page.get(url_of("webhook", endpoint)).content.decode()


def test_a_new_secret_is_shown_once(page, customer):
    endpoint, old = make_webhook(customer)

    answer = page.post(url_of("webhook_rotate", endpoint), follow=True)

    endpoint.refresh_from_db()
    new = unseal(endpoint.sealed_secret)
    assert new != old
    assert new in answer.content.decode()
    assert unseal(endpoint.sealed_previous_secret) == old


def test_an_event_is_sent_again(page, customer):
    endpoint, _ = make_webhook(customer)
    delivery = waiting(endpoint, tries=9)

    page.post(url_of("webhook_replay", delivery))

    delivery.refresh_from_db()
    assert (delivery.status, delivery.tries) == ("waiting", 0)
    assert delivery.give_up_at > timezone.now() + timedelta(hours=23)


def test_all_failed_events_are_sent_again(page, customer):
    endpoint, _ = make_webhook(customer)
    for _ in range(3):
        waiting(endpoint)

    answer = page.post(url_of("webhook_replay_failed", endpoint), follow=True)

    assert "3 events are sent again" in answer.content.decode()
    assert endpoint.deliveries.filter(status="waiting").count() == 3


def test_a_webhook_is_switched_off_and_on(page, customer):
    endpoint, _ = make_webhook(customer)
    delivery = waiting(endpoint, WebhookDelivery.Status.WAITING)

    page.post(url_of("webhook_switch", endpoint), {"to": "off"})
    endpoint.refresh_from_db(), delivery.refresh_from_db()
    assert (endpoint.is_active, delivery.status) == (False, "failed")
    refused = page.post(url_of("webhook_test", endpoint), headers={"referer": "http://testserver" + LIST}, follow=True)
    assert "switched off" in refused.content.decode()

    page.post(url_of("webhook_switch", endpoint), {"to": "on"})
    endpoint.refresh_from_db()
    assert endpoint.is_active


def test_a_removed_webhook_is_gone_and_its_secret_with_it(page, customer):
    endpoint, _ = make_webhook(customer)
    assert "Remove this webhook?" in page.get(url_of("webhook_remove", endpoint)).content.decode()

    page.post(url_of("webhook_remove", endpoint))

    assert page.get(url_of("webhook", endpoint)).status_code == 404
    assert WebhookEndpoint.objects.get().sealed_secret == ""


def test_events_come_in_pages_and_by_status(page, customer, django_assert_max_num_queries):
    endpoint, _ = make_webhook(customer)
    for _ in range(30):
        waiting(endpoint)
    waiting(endpoint, WebhookDelivery.Status.DONE, last_status=200)

    with django_assert_max_num_queries(25):
        first = page.get(url_of("webhook", endpoint))
    second = page.get(first.context["older_url"])
    done = page.get(url_of("webhook", endpoint), {"status": "done"})

    assert (len(first.context["events"]), len(second.context["events"])) == (25, 6)
    assert len(done.context["events"]) == 1
    for odd in ({"before": "x"}, {"before": "\0"}, {"status": "'"}, {"before": "9" * 400}):
        assert page.get(url_of("webhook", endpoint), odd).status_code == 200


def test_the_list_keeps_its_query_budget(page, customer, django_assert_max_num_queries):
    for number in range(10):
        waiting(make_webhook(customer, f"https://hooks.example.com/{number}")[0])

    with django_assert_max_num_queries(20):
        assert page.get(LIST).status_code == 200


def test_what_became_final_is_listed_with_its_message():
    world = make_world()
    endpoint, _ = make_webhook(world.customer)
    (message,) = make_final(world, Status.DELIVERED)
    collect_missed(final_within=timedelta(hours=1), accepted_within=timedelta(hours=1))

    content = signed_in(world.customer).get(url_of("webhook", endpoint)).content.decode()

    assert reverse("messaging:message", args=[message.pk]) in content
