"""Every read of this room worth a name.  Each runs in the scope its caller has entered."""

from datetime import datetime
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery

from accounts.models import Organisation
from kit.queries import one_of

from .models import WebhookDelivery, WebhookEndpoint


def endpoints_of(organisation: Organisation) -> QuerySet[WebhookEndpoint]:
    """The organisation's webhooks, newest first, each with `called_at` and `last_event` of its latest event."""
    latest = WebhookDelivery.objects.filter(endpoint=OuterRef("pk")).order_by("-id")[:1]
    return (
        WebhookEndpoint.objects.filter(organisation=organisation, removed_at=None)
        .annotate(last_event=Subquery(latest.values("event")), last_event_at=Subquery(latest.values("created_at")))
        .order_by("-id")
    )


def endpoint_of(organisation: Organisation, id: UUID) -> WebhookEndpoint:
    """One of the organisation's webhooks.  Raises NotFound."""
    endpoints = WebhookEndpoint.objects.filter(organisation=organisation, removed_at=None)
    return one_of(endpoints.select_related("organisation"), pk=id)


def deliveries_of(endpoint: WebhookEndpoint) -> QuerySet[WebhookDelivery]:
    """The endpoint's events, newest first."""
    return WebhookDelivery.objects.filter(organisation_id=endpoint.organisation_id, endpoint=endpoint).order_by("-id")


def delivery_of(organisation: Organisation, id: UUID) -> WebhookDelivery:
    """One event on its way to one of the organisation's webhooks.  Raises NotFound."""
    deliveries = WebhookDelivery.objects.filter(organisation=organisation, endpoint__removed_at=None)
    return one_of(deliveries.select_related("endpoint__organisation"), pk=id)


def failing_since_before(moment: datetime) -> QuerySet[WebhookEndpoint]:
    """Endpoints of any organisation no call has reached since before that moment.  Read under the engine."""
    failing = WebhookEndpoint.objects.filter(is_active=True, failing_since__lt=moment)
    return failing.select_related("organisation").order_by("pk")
