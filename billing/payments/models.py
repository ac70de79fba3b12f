from django.db import models


class StripeEvent(models.Model):
    """One event as Stripe sent it, kept by Stripe's own id before anything is done about it."""

    class Status(models.TextChoices):
        RECEIVED = "received"
        DONE = "done"
        IGNORED = "ignored"
        FAILED = "failed"

    id = models.CharField(primary_key=True, max_length=120)
    type = models.CharField(max_length=80)
    payload = models.JSONField()
    is_live = models.BooleanField()
    status = models.CharField(max_length=8, choices=Status, default=Status.RECEIVED)
    outcome = models.TextField(blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    received_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["received_at"], condition=models.Q(status="received"), name="stripe_event_waiting")
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"
