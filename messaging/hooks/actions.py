"""Every write people make here.  Each runs in the organisation's scope, which its caller has entered."""

from datetime import timedelta

from django.contrib.postgres.functions import TransactionNow
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Organisation, User
from kit.errors import Invalid
from kit.events import emit
from kit.ids import uuid7
from kit.outbound import AddressRefused, check_url
from kit.sealing import seal

from .bodies import TEST, new_secret
from .errors import TooManyWebhooks, WebhookOff
from .events import deliveries_waiting
from .models import WebhookDelivery, WebhookEndpoint
from .rules.pauses import TRIED_FOR

MOST_ENDPOINTS = 10
BOTH_SECRETS_FOR = timedelta(hours=24)
WHY_OFF = "The webhook was switched off"


@transaction.atomic
def create_endpoint(*, organisation: Organisation, url: str, by: User) -> tuple[WebhookEndpoint, str]:
    """An endpoint that hears of every message that becomes final from now on, and its secret, which is never shown again.

    Raises Invalid naming `url`, TooManyWebhooks.
    """
    try:
        check_url(url)
    except AddressRefused as refusal:
        raise Invalid(fields={"url": refusal.message}) from None
    Organisation.objects.select_for_update().get(pk=organisation.pk)  # two at once must not both be the tenth
    if WebhookEndpoint.objects.filter(organisation=organisation, removed_at=None).count() >= MOST_ENDPOINTS:
        raise TooManyWebhooks(limit=MOST_ENDPOINTS)
    secret = new_secret()
    endpoint = WebhookEndpoint.objects.create(
        organisation=organisation, url=url, sealed_secret=seal(secret), active_since=TransactionNow()
    )
    _note("webhook.created", endpoint, after={"url": url})
    return endpoint, secret


@transaction.atomic
def rotate_secret(*, endpoint: WebhookEndpoint, by: User) -> str:
    """A new secret.  For a day calls carry a signature by the old one too, so that no call fails while you change over."""
    endpoint = _lock(endpoint)
    secret = new_secret()
    endpoint.sealed_previous_secret = endpoint.sealed_secret
    endpoint.previous_secret_until = timezone.now() + BOTH_SECRETS_FOR
    endpoint.sealed_secret = seal(secret)
    endpoint.save(update_fields=["sealed_secret", "sealed_previous_secret", "previous_secret_until"])
    _note("webhook.secret_rotated", endpoint)
    return secret


@transaction.atomic
def switch_off(*, endpoint: WebhookEndpoint, by: User | None) -> WebhookEndpoint:
    """No more calls.  What waits is given up and can be sent again later; what becomes final meanwhile is not told."""
    endpoint = _lock(endpoint)
    if endpoint.is_active:
        endpoint.is_active, endpoint.disabled_at = False, timezone.now()
        endpoint.save(update_fields=["is_active", "disabled_at"])
        _give_up_waiting(endpoint)
        _note("webhook.switched_off", endpoint, after={"failing_since": endpoint.failing_since})
    return endpoint


@transaction.atomic
def switch_on(*, endpoint: WebhookEndpoint, by: User) -> WebhookEndpoint:
    """Calls again, about what becomes final from now on."""
    endpoint = _lock(endpoint)
    if not endpoint.is_active:
        endpoint.is_active, endpoint.active_since = True, TransactionNow()
        endpoint.disabled_at = endpoint.failing_since = endpoint.paused_until = None
        endpoint.failures = 0
        endpoint.save()
        _note("webhook.switched_on", endpoint)
        endpoint.refresh_from_db()
    return endpoint


@transaction.atomic
def remove_endpoint(*, endpoint: WebhookEndpoint, by: User) -> None:
    """Take an endpoint away for good.  Removing it again changes nothing."""
    endpoint = _lock(endpoint)
    if endpoint.removed_at is None:
        endpoint.is_active, endpoint.removed_at = False, timezone.now()
        endpoint.sealed_secret = endpoint.sealed_previous_secret = ""
        endpoint.save(update_fields=["is_active", "removed_at", "sealed_secret", "sealed_previous_secret"])
        _give_up_waiting(endpoint)
        _note("webhook.removed", endpoint, before={"url": endpoint.url})


@transaction.atomic
def send_test(*, endpoint: WebhookEndpoint, by: User) -> WebhookDelivery:
    """Put a test event on its way.  It is tried once.  Raises WebhookOff."""
    endpoint = _working(endpoint)
    now = timezone.now()
    delivery = WebhookDelivery.objects.create(
        organisation_id=endpoint.organisation_id,
        endpoint=endpoint,
        message_id=uuid7(),
        event=TEST,
        due_at=now,
        give_up_at=now,
    )
    _announce()
    return delivery


@transaction.atomic
def replay(*, delivery: WebhookDelivery, by: User) -> WebhookDelivery:
    """Send an event again, whatever came of it before, under the same webhook id.  Raises WebhookOff."""
    endpoint = _working(delivery.endpoint)
    now = timezone.now()
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        status=WebhookDelivery.Status.WAITING,
        tries=0,
        due_at=now,
        give_up_at=now if delivery.is_test else now + TRIED_FOR,
        lease_until=None,
        done_at=None,
    )
    _note("webhook.replayed", endpoint, after={"delivery": str(delivery.pk)})
    _announce()
    delivery.refresh_from_db()
    return delivery


@transaction.atomic
def replay_failed(*, endpoint: WebhookEndpoint, by: User) -> int:
    """Send all events of the last days again that were given up; how many they are.  Raises WebhookOff."""
    endpoint = _working(endpoint)
    now = timezone.now()
    again = (
        WebhookDelivery.objects.filter(endpoint=endpoint, status=WebhookDelivery.Status.FAILED)
        .exclude(event=TEST)
        .update(
            status=WebhookDelivery.Status.WAITING,
            tries=0,
            due_at=now,
            give_up_at=now + TRIED_FOR,
            lease_until=None,
        )
    )
    if again:
        _note("webhook.replayed", endpoint, after={"deliveries": again})
        _announce()
    return again


def _lock(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    return WebhookEndpoint.objects.select_for_update(of=("self",)).select_related("organisation").get(pk=endpoint.pk)


def _working(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    endpoint = _lock(endpoint)
    if not endpoint.is_active:
        raise WebhookOff
    return endpoint


def _give_up_waiting(endpoint: WebhookEndpoint) -> None:
    WebhookDelivery.objects.filter(endpoint=endpoint, status=WebhookDelivery.Status.WAITING).update(
        status=WebhookDelivery.Status.FAILED, lease_until=None, last_error=WHY_OFF
    )


def _announce() -> None:
    emit(deliveries_waiting, sender=WebhookDelivery)


def _note(action: str, endpoint: WebhookEndpoint, **facts) -> None:
    audit.record(action=action, target=endpoint, organisation=endpoint.organisation, **facts)
