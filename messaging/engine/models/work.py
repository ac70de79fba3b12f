from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from accounts.models import Organisation, TenantOwned
from kit.ids import uuid7


class QueueEntry(models.Model):
    """A message's place in the queue of its channel.  Ripe when `due_at` has come; who claims it takes it out."""

    message_id = models.UUIDField(primary_key=True)
    organisation = models.ForeignKey(
        Organisation, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    channel_id = models.UUIDField()
    campaign_id = models.UUIDField(null=True)
    lane = models.PositiveSmallIntegerField()
    due_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["channel_id", "lane", "organisation", "due_at"], name="queue_ripe"),
            models.Index(fields=["campaign_id"], condition=models.Q(campaign_id__isnull=False), name="queue_campaign"),
        ]

    def __str__(self) -> str:
        return str(self.message_id)


class Claim(models.Model):
    """What one worker has taken out of a channel's queue to hand over: committed before a byte leaves, gone when every
    outcome is written down.  The arrays are of equal length, an element for each message.

    A claim whose lease ran out belonged to a worker that died or froze: what may have left is unknown then.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    channel_id = models.UUIDField()
    worker = models.CharField(max_length=120)
    lease_until = models.DateTimeField()
    message_ids = ArrayField(models.UUIDField())
    numbers = ArrayField(models.PositiveSmallIntegerField(), help_text="which try of the message each is")
    user_references = ArrayField(models.PositiveIntegerField(), help_text="our 16-bit user_message_reference of each")

    def __str__(self) -> str:
        return f"{len(self.message_ids)} messages of {self.worker}"


class Attempt(models.Model):
    """What came of one try at handing one message to one channel.  A try under way is in its Claim."""

    pk = models.CompositePrimaryKey("message_id", "number")
    message_id = models.UUIDField()
    number = models.PositiveSmallIntegerField()
    organisation = models.ForeignKey(
        Organisation, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    channel_id = models.UUIDField()
    reference = models.PositiveIntegerField(help_text="our 16-bit user_message_reference")
    outcome = models.PositiveSmallIntegerField(help_text="messaging.engine.states.AttemptOutcome")
    parts = models.PositiveSmallIntegerField(default=1, help_text="submits it took, each with receipts of its own")
    code = models.CharField(max_length=120, blank=True)
    carrier_reference = models.CharField(
        max_length=65, blank=True, help_text="the id the carrier gave its first part: what receipts will name"
    )
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["channel_id", "carrier_reference"],
                condition=~models.Q(carrier_reference=""),
                name="attempt_by_reference",
            ),
            # Without autosummarize, who asks for the last minutes reads all that came since the last vacuum.
            BrinIndex(fields=["started_at"], name="attempt_by_time", pages_per_range=32, autosummarize=True),
        ]

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


class SweepProgress(models.Model):
    """How far one of the engine's sweeps has come: it is done with what came before `done_before`, and up to `last_id` where it
    goes by numbers.

    In the database, and not in the cache, so that a restored house looks again at what is open again.
    """

    EXPIRY = "expiry"
    LATE_RECEIPTS = "late receipts"

    sweep = models.CharField(max_length=20, primary_key=True)
    done_before = models.DateTimeField()
    last_id = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"{self.sweep}: {self.done_before:%Y-%m-%d %H:%M}"
