from django.db import models

from accounts.models import Organisation


class CarrierReference(models.Model):
    """A further id a carrier gave a message: of the second and later parts of a long one, or one its receipt told us
    when the answer to its submit was lost.  The first part's id is in its Attempt."""

    pk = models.CompositePrimaryKey("channel_id", "reference")
    channel_id = models.UUIDField()
    reference = models.CharField(max_length=65)
    message_id = models.UUIDField()
    organisation = models.ForeignKey(
        Organisation, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )

    def __str__(self) -> str:
        return self.reference


class DeliveryReceipt(models.Model):
    """What the carrier reports, kept as received under its own unique key before it is acknowledged."""

    id = models.BigAutoField(primary_key=True)
    channel_id = models.UUIDField()
    reference = models.CharField(max_length=65)
    state = models.CharField(max_length=16)
    part = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=40, blank=True)
    user_reference = models.PositiveIntegerField(null=True)
    recipient = models.CharField(max_length=21, blank=True)
    raw = models.TextField(blank=True)
    received_at = models.DateTimeField()
    folded_at = models.DateTimeField(null=True)
    message_id = models.UUIDField(null=True)
    organisation = models.ForeignKey(
        Organisation, models.DO_NOTHING, db_constraint=False, db_index=False, null=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel_id", "reference", "part", "state"], name="one_receipt_a_state")
        ]
        indexes = [
            models.Index(fields=["id"], condition=models.Q(folded_at=None), name="receipt_unfolded"),
            models.Index(fields=["message_id"], name="receipt_by_message"),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.state}"


class InboundMessage(models.Model):
    """One text from a number, as the carrier handed it to us."""

    id = models.UUIDField(primary_key=True)
    channel_id = models.UUIDField()
    carrier_reference = models.CharField(max_length=65)
    sender = models.CharField(max_length=21)
    recipient = models.CharField(max_length=21)
    body = models.TextField()
    received_at = models.DateTimeField()
    organisation = models.ForeignKey(
        Organisation, models.DO_NOTHING, db_constraint=False, db_index=False, null=True, related_name="+",
        help_text="whose number or conversation it answers; null while nobody's",
    )  # fmt: skip

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel_id", "carrier_reference"], name="one_inbound_a_reference")
        ]

    def __str__(self) -> str:
        return f"{self.sender} → {self.recipient}"
