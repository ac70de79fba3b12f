from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.rules.permissions import Permission, Role, may, permissions_of

from .organisations import TenantOwned
from .people import User


class RoleChoices(models.TextChoices):
    OWNER = Role.OWNER, _("Owner")
    ADMIN = Role.ADMIN, _("Admin")
    DEVELOPER = Role.DEVELOPER, _("Developer")
    SENDER = Role.SENDER, pgettext_lazy("role", "Sender")
    FINANCE = Role.FINANCE, _("Finance")
    REVIEWER = Role.REVIEWER, _("Reviewer")
    SUPPORT = Role.SUPPORT, _("Support")
    READ_ONLY = Role.READ_ONLY, _("Read only")


class Membership(TenantOwned):
    """A person's role in one organisation."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=10, choices=RoleChoices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "user"], name="one_membership_a_person")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}"

    def may(self, permission: Permission) -> bool:
        return may(self.role, permission, kind=self.organisation.kind)

    @property
    def permissions(self) -> frozenset[Permission]:
        return permissions_of(self.role, kind=self.organisation.kind)

    @property
    def permission_names(self) -> frozenset[str]:
        """For templates: {% if "MANAGE_TEAM" in may %}."""
        return frozenset(permission.name for permission in self.permissions)


class Invitation(TenantOwned):
    """An offer of a role to an e-mail address, taken up with a link whose token only its receiver has."""

    email = models.EmailField(_("e-mail"))
    role = models.CharField(_("role"), max_length=10, choices=RoleChoices)
    token_fingerprint = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.email


class ApiKey(TenantOwned):
    """A machine's way in.  Shown once; we keep its fingerprint.  A test key's messages never reach a carrier."""

    name = models.CharField(_("name"), max_length=80)
    prefix = models.CharField(max_length=20)
    fingerprint = models.CharField(max_length=64, unique=True)
    is_live = models.BooleanField(_("live"), default=False)
    scopes = ArrayField(models.CharField(max_length=30), verbose_name=_("scopes"))
    networks = ArrayField(models.CharField(max_length=43), default=list, blank=True, verbose_name=_("IP networks"))
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()
