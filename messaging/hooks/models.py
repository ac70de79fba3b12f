from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, TenantOwned
from kit.ids import uuid7


class WebhookEndpoint(TenantOwned):
    """Where an organisation wants to hear of its messages' final states.  Signing secrets are sealed.

    It hears of what becomes final from `active_since` on.  While calls fail it is `failing_since` their first failure,
    gets one call at a time, and none before `paused_until`.
    """

    url = models.URLField(_("URL"), max_length=500)
    sealed_secret = models.TextField()
    sealed_previous_secret = models.TextField(blank=True, default="")
    previous_secret_until = models.DateTimeField(null=True)
    is_active = models.BooleanField(default=True)
    active_since = models.DateTimeField(db_default=TransactionNow())
    failures = models.PositiveIntegerField(default=0, help_text="calls that failed since the last success")
    failing_since = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    disabled_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.url

    @property
    def is_failing(self) -> bool:
        return self.is_active and self.failing_since is not None

    @property
    def has_two_secrets(self) -> bool:
        return self.previous_secret_until is not None and self.previous_secret_until > timezone.now()

    @property
    def tone(self) -> str:
        return "wait" if not self.is_active else "bad" if self.is_failing else "ok"

    @property
    def state_label(self):
        if not self.is_active:
            return _("Switched off")
        return _("Failing") if self.is_failing else _("Working")


class WebhookDelivery(models.Model):
    """One event on its way to one endpoint.  Tried again with growing pauses until `give_up_at`.

    Ripe when waiting and `due_at` has come.  A claim moves `due_at` to the end of its lease and notes it in
    `lease_until`: only the claim that still holds the lease may write the outcome.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        DONE = "done", _("Delivered")
        FAILED = "failed", _("Given up")

    TONES = {Status.WAITING: "wait", Status.DONE: "ok", Status.FAILED: "bad"}

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(
        Organisation, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, db_index=False, related_name="deliveries")
    message_id = models.UUIDField(help_text="the message; of a test event its own id")
    event = models.CharField(max_length=40)
    status = models.CharField(max_length=8, choices=Status, default=Status.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    give_up_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    last_status = models.PositiveSmallIntegerField(null=True)
    last_error = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "message_id", "event"], name="one_delivery_an_event")
        ]
        indexes = [
            models.Index(fields=["endpoint", "due_at"], condition=models.Q(status="waiting"), name="delivery_ripe"),
            models.Index(fields=["endpoint", "-id"], name="delivery_by_endpoint"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.message_id}"

    @property
    def tone(self) -> str:
        return "warn" if self.is_waiting and self.tries else self.TONES[self.status]

    @property
    def is_waiting(self) -> bool:
        return self.status == self.Status.WAITING

    @property
    def is_test(self) -> bool:
        return self.event == "webhook.test"
