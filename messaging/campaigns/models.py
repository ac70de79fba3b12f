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
    path = models.CharField(max_length=200, help_text="a random name in the default storage")
    size = models.PositiveBigIntegerField()
    status = models.CharField(max_length=8, choices=Status, default=Status.UPLOADED)
    #: What a person overruled: encoding, delimiter, sheet, has_header, number_column (an index); each may be missing.
    choices = models.JSONField(default=dict)
    #: kind, encoding, delimiter, has_header, header, sample, first_row, sheet, sheets; as found or chosen
    shape = models.JSONField(default=dict)
    #: {"number_column": int}; the other columns are in each recipient's values by the header's names
    mapping = models.JSONField(default=dict)
    default_region = models.CharField(max_length=2)
    #: rows, valid, unusable, duplicates, blank, by_country, by_reason
    tally = models.JSONField(default=dict)
    rows_read = models.PositiveIntegerField(default=0)
    refusal = models.JSONField(default=dict, help_text="code, message, details")
    #: Which reading the stored rows are of.  A new one takes the place of one under way, which then stores no more.
    reading = models.UUIDField(null=True)
    touched_at = models.DateTimeField(null=True, help_text="when the reading last stored rows")
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["status"], condition=models.Q(status__in=["uploaded", "reading"]), name="file_to_be_read"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_read(self) -> bool:
        return self.status == self.Status.READ

    @property
    def columns(self) -> list[str]:
        """The names of the columns a message can be made with."""
        number_column = self.mapping.get("number_column")
        return [name for index, name in enumerate(self.shape.get("header", ())) if index != number_column]


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
    """A line nothing can be sent to, with the number as it was typed.  A duplicate names the row that came first."""

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(
        Organisation, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    file = models.ForeignKey(RecipientFile, models.CASCADE, db_constraint=False, related_name="unusable_rows")
    row = models.PositiveIntegerField()
    typed = models.CharField(max_length=200)
    reason = models.CharField(max_length=40)
    first_row = models.PositiveIntegerField(default=0)

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
    is_test = models.BooleanField(
        default=False, help_text="made with a test key: never reaches a carrier, costs nothing"
    )
    file = models.ForeignKey(RecipientFile, models.PROTECT, null=True, related_name="campaigns")
    version = models.ForeignKey(TemplateVersion, models.PROTECT, null=True, related_name="campaigns")
    sender = models.ForeignKey(SenderId, models.PROTECT, null=True, related_name="campaigns")
    #: {template variable: file column}
    variable_columns = models.JSONField(default=dict)
    #: {template variable: text}: for everyone, or where the column's cell is empty
    fixed_values = models.JSONField(default=dict)
    #: What messaging.campaigns.measuring counted, and of what: empty while nobody has counted.
    estimate = models.JSONField(default=dict)
    starts_at = models.DateTimeField(null=True)
    cursor = models.PositiveIntegerField(default=0)
    recipients = models.PositiveIntegerField(default=0, help_text="usable rows when it was started")
    accepted = models.PositiveIntegerField(default=0, help_text="messages accepted so far")
    skipped = models.PositiveIntegerField(
        default=0, help_text="rows left out when their turn came: a value that can't be sent"
    )
    stop_reason = models.JSONField(default=dict, help_text="code, message, details")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    all_accepted_at = models.DateTimeField(null=True, help_text="when the last row had its turn")
    ended_at = models.DateTimeField(null=True)
    #: Until then the sweep makes its places in the queue agree with its status: held, let go or cleared.
    tend_queue_until = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["organisation", "-id"], name="campaign_by_organisation"),
            models.Index(
                fields=["status"],
                condition=models.Q(status__in=["scheduled", "sending", "paused"]),
                name="campaign_at_work",
            ),
            models.Index(
                fields=["tend_queue_until"],
                condition=models.Q(tend_queue_until__isnull=False),
                name="campaign_queue_to_tend",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_draft(self) -> bool:
        return self.status == self.Status.DRAFT

    @property
    def has_ended(self) -> bool:
        return self.status in (self.Status.SENT, self.Status.CANCELLED)


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
    field = models.CharField(max_length=80, blank=True, help_text="the variable to blame")

    def __str__(self) -> str:
        return f"row {self.row}: {self.reason}"


class CampaignMinute(models.Model):
    """How many messages of a campaign had been handed over and delivered when it was last looked at within a minute.

    Minutes in which nothing moved have no row.
    """

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(
        Organisation, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    campaign = models.ForeignKey(Campaign, models.CASCADE, db_constraint=False, db_index=False, related_name="minutes")
    at = models.DateTimeField()
    handed_over = models.PositiveIntegerField()
    delivered = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "at"], name="one_count_a_minute")]

    def __str__(self) -> str:
        return f"{self.at:%H:%M}: {self.handed_over}, {self.delivered}"
