from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, TenantOwned
from billing.pricing.models import Category
from messaging.content.models import SenderId, TemplateVersion


class RecipientFile(TenantOwned):
    """A file of recipients as uploaded: how it was read, how its columns are used, and what is in it."""

    class Status(models.TextChoices):
        UPLOADED = "uploaded", _("Waiting to be read")
        READING = "reading", _("Being read")
        READ = "read", _("Read")
        REFUSED = "refused", _("Can't be read")

    name = models.CharField(max_length=255)
    path = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField()
    status = models.CharField(max_length=8, choices=Status, default=Status.UPLOADED)
    #: kind, encoding, delimiter, has_header, header, sample rows
    shape = models.JSONField(default=dict)
    #: {"number_column": int, "variables": {name: column}}
    mapping = models.JSONField(default=dict)
    default_region = models.CharField(max_length=2)
    #: rows, valid, unusable, duplicates, blank, by_country
    tally = models.JSONField(default=dict)
    rows_read = models.PositiveIntegerField(default=0)
    refusal = models.JSONField(default=dict, help_text="code, message, details")
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Recipient(models.Model):
    """One usable line of a recipient file: a number and the values its message is made with."""

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(
        Organisation, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    file = models.ForeignKey(
        RecipientFile, models.CASCADE, db_constraint=False, db_index=False, related_name="recipients"
    )
    row = models.PositiveIntegerField()
    number = models.CharField(max_length=16)
    country = models.CharField(max_length=2)
    values = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "row"], name="one_recipient_a_row")]

    def __str__(self) -> str:
        return f"row {self.row}"


class UnusableRow(models.Model):
    """A line nothing can be sent to, with the number as it was typed."""

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(
        Organisation, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    file = models.ForeignKey(RecipientFile, models.CASCADE, db_constraint=False, related_name="unusable_rows")
    row = models.PositiveIntegerField()
    typed = models.CharField(max_length=200)
    reason = models.CharField(max_length=40)

    def __str__(self) -> str:
        return f"row {self.row}: {self.reason}"


class Campaign(TenantOwned):
    """One template to one audience.  Batches of it are accepted one after the other; `cursor` is the last row accepted."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SCHEDULED = "scheduled", _("Scheduled")
        SENDING = "sending", _("Sending")
        PAUSED = "paused", _("Paused")
        STOPPED = "stopped", _("Stopped: needs you")
        SENT = "sent", _("Sent")
        CANCELLED = "cancelled", _("Cancelled")

    name = models.CharField(_("name"), max_length=120)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    category = models.CharField(max_length=14, choices=Category, blank=True)
    file = models.ForeignKey(RecipientFile, models.PROTECT, null=True, related_name="campaigns")
    version = models.ForeignKey(TemplateVersion, models.PROTECT, null=True, related_name="campaigns")
    sender = models.ForeignKey(SenderId, models.PROTECT, null=True, related_name="campaigns")
    #: {template variable: file column}
    variable_columns = models.JSONField(default=dict)
    starts_at = models.DateTimeField(null=True)
    cursor = models.PositiveIntegerField(default=0)
    recipients = models.PositiveIntegerField(default=0, help_text="usable rows when it was started")
    accepted = models.PositiveIntegerField(default=0, help_text="messages accepted so far")
    skipped = models.PositiveIntegerField(
        default=0, help_text="rows left out when their turn came: opted out, unusable value"
    )
    stop_reason = models.JSONField(default=dict, help_text="code, message, details")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["organisation", "-id"], name="campaign_by_organisation"),
            models.Index(
                fields=["status"], condition=models.Q(status__in=["scheduled", "sending"]), name="campaign_at_work"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SkippedRow(models.Model):
    """A usable row that was left out when its turn came, and why."""

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(
        Organisation, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    campaign = models.ForeignKey(Campaign, models.CASCADE, db_constraint=False, related_name="skipped_rows")
    row = models.PositiveIntegerField()
    number = models.CharField(max_length=16)
    reason = models.CharField(max_length=40)
    field = models.CharField(max_length=80, blank=True)

    def __str__(self) -> str:
        return f"row {self.row}: {self.reason}"
