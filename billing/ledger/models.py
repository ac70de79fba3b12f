from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, TenantOwned
from kit.ids import uuid7


class Account(TenantOwned):
    """One pot of one organisation's money in one currency, in micros.

    Pots with a floor (wallet, hold) cache their balance, guarded by a CHECK: `balance >= floor`.
    Pots without one (revenue, clearing, margin, …) do not, so that they are never a hot row;
    `queries.balance_of` sums their transfers.
    """

    class Kind(models.TextChoices):
        WALLET = "wallet", _("Wallet")
        HOLD = "hold", _("Set aside for messages on their way")
        REVENUE = "revenue", _("Revenue")
        CLEARING = "clearing", _("Payments received")
        PROMOTION = "promotion", _("Credit given away")
        MARGIN = "margin", _("Margin earned")
        COMMISSION = "commission", _("Commission earned")
        COMMISSION_COST = "commission_cost", _("Commission paid to resellers")

    WITH_FLOOR = (Kind.WALLET, Kind.HOLD)

    kind = models.CharField(max_length=16, choices=Kind)
    currency = models.CharField(max_length=3)
    has_floor = models.BooleanField()
    balance = models.BigIntegerField(null=True, help_text="micros; null for pots without a floor")
    floor = models.BigIntegerField(default=0, help_text="micros; minus the credit line for a wallet")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "kind", "currency"], name="one_account_a_kind"),
            models.CheckConstraint(name="balance_not_below_floor", condition=models.Q(balance__gte=models.F("floor"))),
            models.CheckConstraint(
                name="balance_cached_where_floored",
                condition=models.Q(has_floor=True, balance__isnull=False)
                | models.Q(has_floor=False, balance__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.currency} of {self.organisation_id}"


class Reason(models.TextChoices):
    TOP_UP = "top_up", _("Top-up")
    TRIAL = "trial", _("Trial credit")
    CREDIT = "credit", _("Credit from your reseller")
    HOLD = "hold", _("Set aside for messages")
    RELEASE = "release", _("Returned for messages that did not arrive")
    SETTLE = "settle", _("Delivered messages")
    MARGIN = "margin", _("Margin")
    COMMISSION = "commission", _("Commission")
    COMMISSION_REVERSAL = "commission_back", _("Commission taken back")
    PACKAGE_SALE = "package_sale", _("Package")
    REFUND = "refund", _("Refund")
    ADJUSTMENT = "adjustment", _("Adjustment")


class Transfer(models.Model):
    """One amount moved from one account to another, so that the books balance by construction.  Only ever added.

    `reference` names the cause and is unique: posting it again changes nothing.  Both organisations are
    kept on the row, because either may read it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    source = models.ForeignKey(Account, models.PROTECT, related_name="+")
    target = models.ForeignKey(Account, models.PROTECT, related_name="+")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+", help_text="the source's")
    target_organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    amount = models.BigIntegerField(help_text="micros, above zero")
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=16, choices=Reason)
    reference = models.CharField(max_length=200, unique=True)
    subject = models.CharField(max_length=80, blank=True, help_text="what it was about, as type:id")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="transfer_moves_something", condition=models.Q(amount__gt=0)),
            models.CheckConstraint(
                name="transfer_between_two_accounts", condition=~models.Q(source=models.F("target"))
            ),
        ]
        indexes = [
            models.Index(fields=["source", "-id"], name="transfer_by_source"),
            models.Index(fields=["target", "-id"], name="transfer_by_target"),
        ]

    def __str__(self) -> str:
        return self.reference
