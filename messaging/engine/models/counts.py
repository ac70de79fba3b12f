from django.db import models

from accounts.models import Organisation


class TrafficCount(models.Model):
    """How many messages changed into `status` within an hour.  Insert-only deltas, squashed into one row later:
    the count of a key is the sum of its rows.

    Deltas are written in the transaction that changes the states.  `amount` is in micros of `currency` (what the
    messages cost), `latency_ms` the sum over them of the time from acceptance to the change.
    """

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(
        Organisation, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    hour = models.DateTimeField()
    campaign_id = models.UUIDField(null=True)
    channel_id = models.UUIDField()
    country = models.CharField(max_length=2)
    category = models.CharField(max_length=14)
    currency = models.CharField(max_length=3)
    status = models.PositiveSmallIntegerField(help_text="messaging.engine.states.Status; 20 counts acceptance")
    error_code = models.CharField(max_length=40, blank=True)
    messages = models.IntegerField()
    segments = models.IntegerField()
    amount = models.BigIntegerField(default=0)
    latency_ms = models.BigIntegerField(default=0)
    is_squashed = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["organisation", "hour"], name="traffic_by_hour"),
            models.Index(
                fields=["campaign_id"], condition=models.Q(campaign_id__isnull=False), name="traffic_by_campaign"
            ),
            models.Index(fields=["id"], condition=models.Q(is_squashed=False), name="traffic_unsquashed"),
        ]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H} {self.status}: {self.messages}"
