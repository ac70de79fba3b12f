from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import TenantOwned
from billing.pricing.models import Category

from .reasons import Reason, reasons_of


class ReviewStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    SUBMITTED = "submitted", _("In review")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")


TONES = {
    ReviewStatus.DRAFT: "wait",
    ReviewStatus.SUBMITTED: "run",
    ReviewStatus.APPROVED: "ok",
    ReviewStatus.REJECTED: "bad",
}


class Reviewed(TenantOwned):
    """What goes through review: a sender, or one version of a template."""

    status = models.CharField(max_length=10, choices=ReviewStatus, default=ReviewStatus.DRAFT)

    class Meta:
        abstract = True

    @property
    def tone(self) -> str:
        return TONES[self.status]

    @property
    def is_draft(self) -> bool:
        return self.status == ReviewStatus.DRAFT

    @property
    def rejection(self) -> "Review | None":
        """The review that sent it back, while that is how it stands."""
        if self.status != ReviewStatus.REJECTED:
            return None
        return max((one for one in self.reviews.all() if one.decision), key=lambda one: one.decided_at)


class SenderId(Reviewed):
    """What the handset shows as "from".  A signature is put in front of the text as 【name】; other kinds are the address."""

    class Kind(models.TextChoices):
        SIGNATURE = "signature", _("Signature, such as 【Kestrel】")
        ALPHANUMERIC = "alphanumeric", _("Name, up to 11 letters and digits")
        NUMERIC = "numeric", _("Number")

    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    name = models.CharField(_("name"), max_length=20)
    purpose = models.CharField(_("what it is used for"), max_length=300, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "kind", "name"], name="one_sender_a_name")]

    def __str__(self) -> str:
        return f"【{self.name}】" if self.is_signature else self.name

    @property
    def kind_label(self) -> str:
        """The kind in one word."""
        return {"signature": _("Signature"), "alphanumeric": _("Name"), "numeric": _("Number")}[self.kind]

    @property
    def is_signature(self) -> bool:
        return self.kind == self.Kind.SIGNATURE

    @property
    def address(self) -> str:
        """What the carrier is given as the source; empty for a signature, which stands in the text."""
        return "" if self.is_signature else self.name


class MessageTemplate(TenantOwned):
    """Wording with a name and a category.  Its versions hold the text; only approved ones can be sent."""

    name = models.CharField(_("name"), max_length=80)
    category = models.CharField(_("category"), max_length=14, choices=Category)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "name"], name="one_template_a_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def latest(self) -> "TemplateVersion":
        """The version last written, whatever became of it."""
        return max(self.versions.all(), key=lambda version: version.number)

    @property
    def live(self) -> "TemplateVersion | None":
        """The latest approved version: what a new campaign is offered."""
        approved = [version for version in self.versions.all() if version.status == ReviewStatus.APPROVED]
        return max(approved, key=lambda version: version.number, default=None)


class TemplateVersion(Reviewed):
    """One wording of a template.  A draft may change; from submission on its text never does (a trigger sees to it)."""

    template = models.ForeignKey(MessageTemplate, models.PROTECT, related_name="versions")
    number = models.PositiveSmallIntegerField()
    body = models.TextField(_("text"))
    #: [{"name", "type", "example", "max_length"}], as messaging.content.rules.variables reads them
    variables = models.JSONField(default=list)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    submitted_at = models.DateTimeField(null=True)
    approved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["template", "number"], name="one_version_a_number"),
            models.UniqueConstraint(
                fields=["template"], condition=models.Q(status="draft"), name="one_draft_a_template"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template_id} v{self.number}"


class Review(TenantOwned):
    """A compliance decision asked for, claimed and taken, about one template version or one sender."""

    class Decision(models.TextChoices):
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")

    version = models.ForeignKey(TemplateVersion, models.PROTECT, null=True, related_name="reviews")
    sender = models.ForeignKey(SenderId, models.PROTECT, null=True, related_name="reviews")
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    submitted_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField()
    #: [{"word", "category", "severity", "start", "end"}] found by screening at submission
    hits = models.JSONField(default=list)
    risk = models.PositiveSmallIntegerField(default=0, help_text="0 to 100, from hits and hints at submission")
    claimed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    claimed_until = models.DateTimeField(null=True)
    decision = models.CharField(max_length=8, choices=Decision, blank=True)
    reasons = models.JSONField(default=list)
    note = models.TextField(blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="review_of_one_thing",
                condition=models.Q(version=None, sender__isnull=False) | models.Q(version__isnull=False, sender=None),
            ),
            models.CheckConstraint(
                name="review_not_by_its_submitter",
                condition=models.Q(decided_by=None) | ~models.Q(decided_by=models.F("submitted_by")),
            ),
            models.UniqueConstraint(
                fields=["version"], condition=models.Q(decision=""), name="one_open_review_a_version"
            ),
            models.UniqueConstraint(
                fields=["sender"], condition=models.Q(decision=""), name="one_open_review_a_sender"
            ),
        ]
        indexes = [models.Index(fields=["due_at"], condition=models.Q(decision=""), name="open_reviews_by_due")]

    def __str__(self) -> str:
        return f"review {self.pk}"

    @property
    def subject(self) -> "TemplateVersion | SenderId":
        """What is decided about."""
        return self.version or self.sender

    @property
    def title(self) -> str:
        return self.version.template.name if self.version else str(self.sender)

    @property
    def is_claimed(self) -> bool:
        """Somebody has it open right now."""
        return self.claimed_until is not None and self.claimed_until >= timezone.now()

    @property
    def explained(self) -> list[Reason]:
        return reasons_of(self.reasons)


class SensitiveWord(TenantOwned):
    """A word compliance watches for.  Belongs to the operator; read by everybody's screening."""

    class Severity(models.TextChoices):
        BLOCK = "block", _("Block")
        WARN = "warn", _("Warn")

    word = models.CharField(max_length=80)
    category = models.CharField(max_length=40)
    severity = models.CharField(max_length=5, choices=Severity, default=Severity.BLOCK)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "word"], name="one_entry_a_word")]

    def __str__(self) -> str:
        return self.word
