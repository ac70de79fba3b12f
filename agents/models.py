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
