from django.db import models

from accounts.models import Organisation


class TrafficSum(models.Model):
    """What became of an organisation's messages by one channel within an hour, or within a day of UTC: the squashed traffic
    counts of that time, added up.

    There is one for each hour, and each day, that is over and had messages (`SumProgress` says up to when); a count that
    is squashed later adds to it in the same statement.  Whoever writes squashed rows of such a time by hand must begin
    again: no sums and no progress.
    """

    class Unit(models.TextChoices):
        HOUR = "hour"
        DAY = "day"

    pk = models.CompositePrimaryKey("organisation", "unit", "begins_at", "channel_id")
    organisation = models.ForeignKey(
        Organisation, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    unit = models.CharField(max_length=4, choices=Unit)
    begins_at = models.DateTimeField()
    channel_id = models.UUIDField()
    accepted = models.BigIntegerField()
    delivered = models.BigIntegerField()
    failed = models.BigIntegerField()
    spent = models.BigIntegerField(help_text="micros that the delivered ones cost")
    latency_ms = models.BigIntegerField(help_text="time from acceptance to delivery of the delivered ones, in all")

    def __str__(self) -> str:
        return f"{self.unit} {self.begins_at:%Y-%m-%d %H}: {self.accepted}"


class SumProgress(models.Model):
    """Up to when hours and days are summed, for the whole house: one row, whose time only moves forward."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    summed_before = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.summed_before:%Y-%m-%d %H}"
