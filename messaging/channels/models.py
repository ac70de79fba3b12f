from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, TenantOwned
from billing.pricing.models import Category
from kit.ids import uuid7

TYPE_NAMES = {"smpp": _("SMPP 3.4"), "simulator": _("Simulator, for test keys")}
#: Submits in flight on each bind: room for batches of a thousand, of which seven windows are in hand at most.
DEFAULT_WINDOW = 300


class Channel(TenantOwned):
    """A configured connection to a carrier.  Belongs to the operator; customers never see it."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    type = models.CharField(_("type"), max_length=20, help_text="code of a channel type")
    config = models.JSONField(default=dict)
    sealed_secrets = models.TextField(blank=True, help_text="JSON of the secret settings, sealed")
    is_active = models.BooleanField(_("active"), default=True)
    rate_per_second = models.PositiveIntegerField(_("segments a second"), null=True, blank=True)
    window = models.PositiveIntegerField(
        _("window"), default=DEFAULT_WINDOW, validators=[MinValueValidator(1), MaxValueValidator(5000)]
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name

    @property
    def type_name(self) -> Promise | str:
        """The type as people call it."""
        return TYPE_NAMES.get(self.type, self.type)


class Route(TenantOwned):
    """One line of the choice among channels: lowest priority first.  Empty country or category means any."""

    country = models.CharField(max_length=2, blank=True)
    category = models.CharField(max_length=14, choices=Category, blank=True)
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="routes")
    priority = models.PositiveSmallIntegerField(default=10)
    is_test = models.BooleanField(default=False, help_text="for messages sent with test keys")

    def __str__(self) -> str:
        return f"{self.country or '*'}/{self.category or '*'} → {self.channel_id}"


class Bind(models.Model):
    """What one worker process last said of its line to one channel.  `updated_at` tells whether it still lives.

    A line may hold several binds: its state is that of the best, and `binds_up` of `binds` are bound.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    channel = models.ForeignKey(Channel, models.CASCADE, related_name="binds")
    worker = models.CharField(max_length=120)
    state = models.CharField(max_length=12)
    since = models.DateTimeField()
    last_error = models.CharField(max_length=300, blank=True)
    in_flight = models.PositiveIntegerField(default=0)
    binds_up = models.PositiveSmallIntegerField(default=0, db_default=0)
    binds = models.PositiveSmallIntegerField(default=1, db_default=1)
    trouble = models.CharField(max_length=300, blank=True, default="", db_default="", help_text="why it can't be used")
    sent_at = models.DateTimeField(null=True, help_text="when the carrier last took a message")
    handed_over_in_a_minute = models.PositiveIntegerField(default=0, db_default=0)
    handed_over_in_five_minutes = models.PositiveIntegerField(default=0, db_default=0)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "worker"], name="one_bind_a_worker")]

    def __str__(self) -> str:
        return f"{self.channel_id} {self.state}"


class Breaker(models.Model):
    """The open circuit breaker of a channel whose carrier is in trouble; no row: all is well.

    Until `retry_at` nothing is handed over and other routes are taken.  Then one message tries whether the carrier is
    well again.
    """

    channel = models.OneToOneField(Channel, models.CASCADE, primary_key=True, related_name="breaker")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    retry_at = models.DateTimeField()
    why = models.CharField(max_length=300)

    def __str__(self) -> str:
        return f"{self.channel_id}: {self.why}"
