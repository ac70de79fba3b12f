from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.rules.permissions import Kind
from kit import tenancy
from kit.fields import LtreeField
from kit.ids import uuid7


class Organisation(models.Model):
    """One tenant: the operator, an agent or a customer.  `path` runs from the operator down and is kept by a trigger."""

    class Kind(models.TextChoices):
        OPERATOR = Kind.OPERATOR, _("Operator")
        AGENT = Kind.AGENT, _("Reseller")
        CUSTOMER = Kind.CUSTOMER, _("Customer")

    class Status(models.TextChoices):
        TRIAL = "trial", _("Trial")
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    path = LtreeField(unique=True)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.CUSTOMER)
    name = models.CharField(_("name"), max_length=120)
    status = models.CharField(max_length=10, choices=Status, default=Status.TRIAL)
    resumes_as = models.CharField(max_length=10, blank=True, default="", help_text="status before its suspension")
    is_stopped = models.BooleanField(default=False, help_text="suspended itself, or below one that is")
    locale = models.CharField(_("language"), max_length=10, default="en")
    time_zone = models.CharField(_("time zone"), max_length=40, default="UTC")
    currency = models.CharField(_("currency"), max_length=3, default="GBP")
    country = models.CharField(_("country"), max_length=2, default="GB", help_text="default region of phone numbers")
    erase_after_days = models.PositiveSmallIntegerField(
        _("keep texts and numbers"), default=180, db_default=180, help_text="days until they are erased"
    )
    erased_before = models.DateTimeField(null=True, help_text="every message accepted before is final and erased")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="organisation_keeps_a_day", condition=models.Q(erase_after_days__gte=1)),
            models.CheckConstraint(
                name="organisation_root_is_operator",
                condition=models.Q(kind="operator", parent=None)
                | (~models.Q(kind="operator") & ~models.Q(parent=None)),
            ),
            models.CheckConstraint(
                name="organisation_suspended_is_stopped",
                condition=~models.Q(status="suspended") | models.Q(is_stopped=True),
            ),
            models.UniqueConstraint(fields=["kind"], condition=models.Q(kind="operator"), name="one_operator"),
        ]

    def __str__(self) -> str:
        return self.name

    def scope(self, **extra):
        """The tenancy scope of this organisation's own rows."""
        return tenancy.as_organisation(self.pk, path=self.path, **extra)

    def downline_scope(self, **extra):
        """The tenancy scope of this organisation's rows and those of everything below it."""
        return tenancy.with_downline(self.pk, path=self.path, **extra)


class TenantOwned(models.Model):
    """What belongs to exactly one organisation.  Its table is behind row-level security (see kit.tenancy.migrations)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")

    class Meta:
        abstract = True


class Brand(models.Model):
    """How an agent's console looks and under which host name: read by everybody, before anybody signs in."""

    organisation = models.OneToOneField(Organisation, models.CASCADE, primary_key=True, related_name="brand")
    name = models.CharField(_("name"), max_length=60)
    host = models.CharField(
        _("host name"), max_length=253, unique=True, null=True, blank=True,
        validators=[RegexValidator(r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", _("A host name such as sms.example.com."))],
    )  # fmt: skip
    colour = models.CharField(
        _("colour"), max_length=7, default="#2f4fd0",
        validators=[RegexValidator(r"^#[0-9a-f]{6}$", _("A colour such as #2f4fd0."))],
    )  # fmt: skip
    logo = models.BinaryField(null=True, blank=True, max_length=200_000)
    logo_type = models.CharField(max_length=20, blank=True)
    support_email = models.EmailField(_("support e-mail"), blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name
