from django.conf import settings
from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import TenantOwned
from billing.pricing.models import Category


class Package(TenantOwned):
    """Something in the catalogue: so many segments for so much, valid so long.  Its organisation is the seller."""

    name = models.CharField(_("name"), max_length=80)
    name_zh = models.CharField(_("name in Chinese"), max_length=80, blank=True)
    segments = models.PositiveIntegerField(_("segments"))
    bonus_segments = models.PositiveIntegerField(_("bonus segments"), default=0)
    price = models.BigIntegerField(_("price"), help_text="micros")
    currency = models.CharField(max_length=3)
    category = models.CharField(max_length=14, choices=Category, blank=True, help_text="empty: any")
    country = models.CharField(max_length=2, blank=True, help_text="empty: any")
    valid_days = models.PositiveIntegerField(_("valid for, days"), default=365)
    is_listed = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(name="package_sells_something", condition=models.Q(segments__gt=0, price__gt=0)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """Its name in the reader's language."""
        return (get_language() or "").startswith("zh") and self.name_zh or self.name

    @property
    def total_segments(self) -> int:
        return self.segments + self.bonus_segments


class Purchase(TenantOwned):
    """One sale, of a package or of a wallet top-up, from the moment the customer goes to pay."""

    class Kind(models.TextChoices):
        PACKAGE = "package", _("Package")
        TOP_UP = "top_up", _("Top-up")

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting for payment")
        PAID = "paid", _("Paid")
        EXPIRED = "expired", _("Not paid in time")
        REFUNDED = "refunded", _("Refunded")

    kind = models.CharField(max_length=8, choices=Kind)
    package = models.ForeignKey(Package, models.PROTECT, null=True, related_name="purchases")
    amount = models.BigIntegerField(help_text="micros")
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    is_live = models.BooleanField(help_text="paid with real money: Stripe's livemode")
    session_reference = models.CharField(  # noqa: DJ001 (unique, and there is none yet)
        max_length=120,
        unique=True,
        null=True,
        help_text="Stripe's Checkout Session id",
    )
    payment_reference = models.CharField(max_length=120, blank=True, help_text="Stripe's PaymentIntent id")
    refunded_amount = models.BigIntegerField(default=0, help_text="micros")
    bought_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    paid_at = models.DateTimeField(null=True)
    refunded_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True, help_text="when we last asked Stripe about it ourselves")

    class Meta:
        indexes = [models.Index(fields=["organisation", "-id"], name="purchase_by_organisation")]
        constraints = [
            models.CheckConstraint(
                name="purchase_of_a_package_or_top_up",
                condition=models.Q(kind="package", package__isnull=False) | models.Q(kind="top_up", package=None),
            ),
            models.CheckConstraint(
                name="refund_not_above_payment",
                condition=models.Q(refunded_amount__gte=0, refunded_amount__lte=models.F("amount")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.currency}"


class Allowance(TenantOwned):
    """What is left of a package: a lot of segments with an expiry.  `taken` is guarded by a CHECK."""

    purchase = models.OneToOneField(Purchase, models.PROTECT, null=True, related_name="allowance")
    category = models.CharField(max_length=14, choices=Category, blank=True)
    country = models.CharField(max_length=2, blank=True)
    segments = models.PositiveIntegerField()
    taken = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, help_text="its purchase was refunded")
    lapsed_at = models.DateTimeField(null=True, help_text="noted as expired with segments left")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="allowance_not_overdrawn", condition=models.Q(taken__lte=models.F("segments")))
        ]
        indexes = [models.Index(fields=["organisation", "expires_at"], name="allowance_nearest_expiry")]

    @property
    def left(self) -> int:
        return self.segments - self.taken

    def __str__(self) -> str:
        return f"{self.left} of {self.segments} until {self.expires_at:%Y-%m-%d}"


class AllowanceUse(TenantOwned):
    """Segments taken from an allowance (above zero) or given back to it (below).  Only ever added."""

    allowance = models.ForeignKey(Allowance, models.PROTECT, related_name="uses")
    segments = models.IntegerField()
    reference = models.CharField(max_length=200, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.reference
