"""Templates and their versions: written as drafts, submitted once, fixed from then on."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import Organisation, User
from billing.pricing.models import Category

from ..errors import DraftExists, EditedElsewhere, NotADraft
from ..models import MessageTemplate, Review, ReviewStatus, TemplateVersion
from ..texts import clean_line, refuse
from ..wording import check_wording, fingerprint_of
from .reviews import open_review


@transaction.atomic
def create_template(
    *,
    organisation: Organisation,
    name: str,
    category: str,
    body: str,
    variables: Sequence[Mapping[str, Any]] = (),
    author: User,
) -> TemplateVersion:
    """Make a template with its first version, a draft nobody can send yet.

    Raises Invalid naming `name`, `category`, `body` or `variables`.
    """
    name = clean_line("name", name, longest=80)
    if category not in Category.values:
        raise refuse("category", _("Choose one of the types."))
    wording = check_wording(body, variables)
    try:
        with transaction.atomic():
            template = MessageTemplate.objects.create(
                organisation=organisation, name=name, category=category, author=author
            )
    except IntegrityError:
        raise refuse("name", _("You already have a template with this name.")) from None
    version = _first_or_next(template, author=author, body=wording.body, variables=wording.variables)
    audit.record(
        action="template.created",
        target=template,
        after={"name": name, "category": category, "body": wording.body},
        organisation=organisation,
    )
    return version


@transaction.atomic
def edit_draft(
    *,
    version: TemplateVersion,
    body: str,
    variables: Sequence[Mapping[str, Any]] = (),
    name: str | None = None,
    category: str | None = None,
    seen: str = "",
    by: User,
) -> TemplateVersion:
    """Change a draft's text, and its template's name; the type too while nothing of the template was submitted.

    `seen` is `fingerprint_of` the draft the editor started from: when another save came between, EditedElsewhere is
    raised and nothing is overwritten.  Raises NotADraft after submission, Invalid naming the field.
    """
    wording = check_wording(body, variables)
    version = _lock(version)
    if version.status != ReviewStatus.DRAFT:
        raise NotADraft()
    if seen and seen != fingerprint_of(version):
        raise EditedElsewhere()
    before = {"body": version.body, "variables": version.variables}
    version.body, version.variables = wording.body, wording.variables
    version.save(update_fields=["body", "variables"])
    _rename(version.template, name=name, category=category)
    audit.record(
        action="template.edited",
        target=version,
        before=before,
        after={"body": version.body, "variables": version.variables},
        organisation=version.organisation,
    )
    return version


def _rename(template: MessageTemplate, *, name: str | None, category: str | None) -> None:
    if name is not None:
        template.name = clean_line("name", name, longest=80)
    if category is not None and category != template.category:
        if category not in Category.values:
            raise refuse("category", _("Choose one of the types."))
        if template.versions.exclude(status=ReviewStatus.DRAFT).exists():
            raise refuse("category", _("The type is fixed once a version was submitted. Make another template."))
        template.category = category
    try:
        with transaction.atomic():
            template.save(update_fields=["name", "category"])
    except IntegrityError:
        raise refuse("name", _("You already have a template with this name.")) from None


@transaction.atomic
def new_version(*, template: MessageTemplate, author: User) -> TemplateVersion:
    """Start a draft from the latest version's text; what is approved stays sendable.  Raises DraftExists."""
    template = MessageTemplate.objects.select_for_update().get(pk=template.pk)
    latest = template.versions.order_by("-number").first()
    if latest.status == ReviewStatus.DRAFT:
        raise DraftExists(version_id=str(latest.pk))
    version = _first_or_next(
        template, author=author, body=latest.body, variables=latest.variables, number=latest.number + 1
    )
    audit.record(
        action="template.version_started",
        target=version,
        after={"template": str(template.pk), "number": version.number},
        organisation=template.organisation,
    )
    return version


@transaction.atomic
def submit_version(*, version: TemplateVersion, by: User) -> Review:
    """Ask compliance to approve a draft.  Its text never changes again.  Raises NotADraft when it was submitted before."""
    version = _lock(version)
    if version.status != ReviewStatus.DRAFT:
        raise NotADraft()
    check_wording(version.body, version.variables)
    version.status, version.submitted_at = ReviewStatus.SUBMITTED, timezone.now()
    version.save(update_fields=["status", "submitted_at"])
    audit.record(
        action="template.submitted",
        target=version,
        before={"status": ReviewStatus.DRAFT},
        after={"status": version.status, "number": version.number},
        organisation=version.organisation,
    )
    return open_review(version=version, by=by)


@transaction.atomic
def archive_template(*, template: MessageTemplate, by: User) -> MessageTemplate:
    """Take a template out of use: none of its versions can be sent from now on.  Its history stays."""
    if MessageTemplate.objects.filter(pk=template.pk, archived_at=None).update(archived_at=timezone.now()):
        audit.record(action="template.archived", target=template, organisation=template.organisation)
    template.refresh_from_db()
    return template


def _first_or_next(
    template: MessageTemplate, *, author: User, body: str, variables: list, number: int = 1
) -> TemplateVersion:
    return TemplateVersion.objects.create(
        organisation_id=template.organisation_id,
        template=template,
        number=number,
        body=body,
        variables=variables,
        author=author,
    )


def _lock(version: TemplateVersion) -> TemplateVersion:
    """The version as it is now, kept so until the transaction ends."""
    locked = TemplateVersion.objects.select_for_update(of=("self",)).select_related("template", "organisation")
    return locked.get(pk=version.pk)
