from django.db import models

from accounts.models import Organisation, TenantOwned
from kit.ids import uuid7


class QueueEntry(models.Model):
    """A message's place in the queue of its channel.  Ripe when `due_at` has come and nobody holds a live lease."""

    message_id = models.UUIDField(primary_key=True)
    organisation = models.ForeignKey(
        Organisation, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    channel_id = models.UUIDField()
    campaign_id = models.UUIDField(null=True)
    lane = models.PositiveSmallIntegerField()
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    attempt_id = models.UUIDField(null=True, help_text="the attempt that holds the lease")

    class Meta:
        indexes = [
            models.Index(
                fields=["channel_id", "lane", "organisation", "due_at"],
                condition=models.Q(attempt_id=None),
                name="queue_ripe",
            ),
            models.Index(fields=["lease_until"], condition=models.Q(attempt_id__isnull=False), name="queue_leased"),
            models.Index(fields=["campaign_id"], condition=models.Q(campaign_id__isnull=False), name="queue_campaign"),
        ]

    def __str__(self) -> str:
        return str(self.message_id)


class Attempt(models.Model):
    """One try at handing one message to one channel, committed before a byte leaves."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(
        Organisation, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    message_id = models.UUIDField()
    channel_id = models.UUIDField()
    number = models.PositiveSmallIntegerField()
    reference = models.PositiveIntegerField(help_text="our 16-bit user_message_reference")
    outcome = models.PositiveSmallIntegerField(default=0)
    code = models.CharField(max_length=120, blank=True)
    carrier_reference = models.CharField(max_length=65, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message_id", "number"], name="one_attempt_a_number")]

    def __str__(self) -> str:
        return f"{self.message_id} #{self.number}"


class IdempotencyRecord(TenantOwned):
    """What an `Idempotency-Key` was used for: the same key gives the same answer for seven days."""

    key = models.CharField(max_length=255)
    request_fingerprint = models.CharField(max_length=64)
    response = models.JSONField()
    status = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "key"], name="one_answer_a_key")]

    def __str__(self) -> str:
        return self.key


class Settlement(TenantOwned):
    """What one settling transaction moved for one quote, allowance and final state.  Only ever added.

    `amount` is in micros of `currency`: paid out when the state is delivered, given back otherwise.
    """

    quote_id = models.UUIDField()
    allowance_id = models.UUIDField(null=True)
    status = models.PositiveSmallIntegerField()
    messages = models.PositiveIntegerField()
    segments = models.PositiveIntegerField()
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["organisation", "-id"], name="settlement_by_organisation")]

    def __str__(self) -> str:
        return f"{self.messages} messages, {self.amount} micros"
