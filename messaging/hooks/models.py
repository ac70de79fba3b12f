from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, TenantOwned
from kit.ids import uuid7


class WebhookEndpoint(TenantOwned):
    """Where an organisation wants to hear of its messages' final states.  The signing secret is sealed."""

    url = models.URLField(_("URL"), max_length=500)
    sealed_secret = models.TextField()
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    disabled_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.url


class WebhookDelivery(models.Model):
    """One event on its way to one endpoint.  Tried again with growing pauses for 24 hours."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        DONE = "done", _("Delivered")
        FAILED = "failed", _("Given up")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(
        Organisation, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="deliveries")
    message_id = models.UUIDField()
    event = models.CharField(max_length=40)
    payload = models.JSONField()
    status = models.CharField(max_length=8, choices=Status, default=Status.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    last_status = models.PositiveSmallIntegerField(null=True)
    last_error = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "message_id", "event"], name="one_delivery_an_event")
        ]
        indexes = [models.Index(fields=["due_at"], condition=models.Q(status="waiting"), name="delivery_due")]

    def __str__(self) -> str:
        return f"{self.event} {self.message_id}"
