from decimal import Decimal

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, TenantOwned


class CommissionRule(TenantOwned):
    """How much an agent (its organisation) earns on what its downline buys, from `created_at` until `ended_at`.

    Set and paid by the seller above the agent.  One rule in force an agent and basis; it never changes: another
    share is another rule, so a sale is always settled by the rule of its own moment.
    """

    class Basis(models.TextChoices):
        TRAFFIC = "traffic", _("Settled traffic")
        PACKAGES = "packages", _("Package sales")

    basis = models.CharField(max_length=8, choices=Basis)
    code = models.CharField(max_length=20, default="percentage", help_text="class in agents.rules.commission")
    basis_points = models.PositiveIntegerField(_("hundredths of a per cent"))
    paid_by = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "basis"], condition=models.Q(ended_at=None), name="one_rule_a_basis"
            ),
            models.CheckConstraint(name="commission_at_most_all", condition=models.Q(basis_points__lte=10_000)),
        ]

    @property
    def percent(self) -> Decimal:
        return Decimal(self.basis_points) / 100

    def __str__(self) -> str:
        return f"{self.basis} {self.percent}%"


class CommissionEntry(TenantOwned):
    """What an agent earned by one sale, or lost again by its refund (below zero).  Only ever added."""

    rule = models.ForeignKey(CommissionRule, models.PROTECT, related_name="entries")
    customer = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    sale_reference = models.CharField(
        max_length=120, help_text="settlement:<id>, purchase:<id> or refund:<id>:<micros refunded>"
    )
    sale_amount = models.BigIntegerField(help_text="micros")
    amount = models.BigIntegerField(help_text="micros")
    currency = models.CharField(max_length=3)
    earned_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "sale_reference"], name="one_entry_an_agent_and_sale")
        ]
        indexes = [
            models.Index(fields=["organisation", "earned_at"], name="commission_by_month"),
            models.Index(
                fields=["sale_reference"],
                condition=~models.Q(sale_reference__startswith="settlement:"),
                name="commission_by_purchase",
            ),
        ]

    def __str__(self) -> str:
        return self.sale_reference


class EarningSum(models.Model):
    """What an account earned within a day of UTC by what one customer bought: the sum of its transfers and commission entries.

    There is one for each day that is over and brought something (`SumProgress` says up to when), and one for all
    customers together, `is_total`, whose customer is the earner itself.  Money in micros.  Who adds transfers, entries or
    settlements of such a day by hand must have it summed anew (`manage.py sum_again`).
    """

    pk = models.CompositePrimaryKey("organisation", "is_total", "begins_at", "customer_id", "currency")
    organisation = models.ForeignKey(
        Organisation, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    is_total = models.BooleanField()
    begins_at = models.DateTimeField()
    customer_id = models.UUIDField()
    currency = models.CharField(max_length=3)
    segments = models.BigIntegerField(help_text="delivered ones that were paid with a margin")
    margin = models.BigIntegerField(help_text="its part of delivered messages; of the operator, its revenue by them")
    on_traffic = models.BigIntegerField(help_text="commission on delivered messages")
    on_packages = models.BigIntegerField(help_text="commission on packages")
    taken_back = models.BigIntegerField(help_text="commission on what was returned, zero or below")

    def __str__(self) -> str:
        return f"{self.begins_at:%Y-%m-%d}: {self.margin} {self.currency}"


class SpendingSum(models.Model):
    """What of an account's messages arrived within a day of UTC, and what it paid for them in micros: its settlements' sum."""

    pk = models.CompositePrimaryKey("organisation", "begins_at")
    organisation = models.ForeignKey(
        Organisation, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    begins_at = models.DateTimeField()
    messages = models.BigIntegerField()
    segments = models.BigIntegerField()
    amount = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.begins_at:%Y-%m-%d}: {self.messages}"


class SumProgress(models.Model):
    """Up to when days are summed, for the whole house: one row, whose time moves back only when sums are forgotten."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    summed_before = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.summed_before:%Y-%m-%d}"
