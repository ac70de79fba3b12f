from django.db import models

from accounts.models import Organisation
from billing.pricing.models import Category
from kit.ids import made_at, uuid7
from messaging.engine.states import LABELS, TONES, Status


class Message(models.Model):
    """One text to one number.  Partitioned by day on its UUIDv7 id, which is also its time, order and cursor.

    Rows are written by messaging.engine in batches of SQL; nothing else changes them.  References to other
    tables carry no foreign key: partitions come and go.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(
        Organisation, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    campaign_id = models.UUIDField(null=True)
    api_key_id = models.UUIDField(null=True)
    template_version_id = models.UUIDField(null=True)
    sender = models.CharField(max_length=20, help_text="the address the carrier is given; empty for signatures")
    recipient = models.CharField(max_length=16, help_text="E.164")
    country = models.CharField(max_length=2)
    category = models.CharField(max_length=14, choices=Category)
    body = models.TextField(help_text="as the handset shows it, signature included")
    is_unicode = models.BooleanField(help_text="UCS-2, else GSM-7")
    segments = models.PositiveSmallIntegerField()
    status = models.PositiveSmallIntegerField(choices=[(status.value, LABELS[status]) for status in Status])
    error_code = models.CharField(max_length=40, blank=True)
    quote_id = models.UUIDField(null=True, help_text="null for test messages")
    allowance_id = models.UUIDField(null=True, help_text="what paid for it; null: the wallet")
    price = models.BigIntegerField(help_text="micros for all its segments by its quote; 0 when an allowance pays")
    currency = models.CharField(max_length=3)
    channel_id = models.UUIDField()
    client_reference = models.CharField(max_length=64, blank=True)
    is_test = models.BooleanField(default=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    validity_until = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)
    final_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "engine_message"
        ordering = ["-id"]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def accepted_at(self):
        return made_at(self.pk)

    @property
    def state(self) -> Status:
        return Status(self.status)

    @property
    def tone(self) -> str:
        return TONES[self.state]

    @property
    def is_final(self) -> bool:
        return self.state.is_final
