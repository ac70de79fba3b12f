"""Every read of this room worth a name.  Each runs in the scope its caller has entered."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Min, Prefetch, Q, QuerySet, prefetch_related_objects
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from kit.errors import NotFound
from kit.queries import one_of
from kit.sql import columns_of, loaded, planned_once

from .errors import NotApproved, both
from .models import MessageTemplate, Review, ReviewStatus, SenderId, TemplateVersion

Status = ReviewStatus


_VERSION, _TEMPLATE, _SENDER_COLUMNS = columns_of(TemplateVersion), columns_of(MessageTemplate), columns_of(SenderId)


# --- senders


def senders_of(organisation: Organisation) -> QuerySet[SenderId]:
    """All senders, newest first, each with its reviews."""
    return SenderId.objects.filter(organisation=organisation).prefetch_related(_reviews()).order_by("-id")


def approved_senders_of(organisation: Organisation) -> QuerySet[SenderId]:
    """The senders messages can carry, by name."""
    return SenderId.objects.filter(organisation=organisation, status=Status.APPROVED).order_by("name", "kind")


def sender_of(organisation: Organisation, id: UUID) -> SenderId:
    """One sender of the organisation's.  Raises NotFound for anybody else's."""
    return one_of(senders_of(organisation).select_related("organisation", "author"), pk=id)


# --- templates


def templates_of(organisation: Organisation) -> QuerySet[MessageTemplate]:
    """Templates in use, by name.  Each has `versions` (with their reviews) and `campaign_count`."""
    versions = TemplateVersion.objects.prefetch_related(_reviews())
    return (
        MessageTemplate.objects.filter(organisation=organisation, archived_at=None)
        .prefetch_related(Prefetch("versions", versions))
        # campaigns live upstairs; only the relation's name is known here
        .annotate(campaign_count=Count("versions__campaigns", distinct=True))
        .order_by("name")
    )


def template_of(organisation: Organisation, id: UUID) -> MessageTemplate:
    """One template of the organisation's, archived or not.  Raises NotFound for anybody else's."""
    return one_of(
        MessageTemplate.objects.filter(organisation=organisation).select_related("organisation", "author"), pk=id
    )


def template_with_versions(organisation: Organisation, id: UUID) -> MessageTemplate:
    """The same with its `versions`, latest first, their authors and reviews.  Raises NotFound."""
    template = template_of(organisation, id)
    prefetch_related_objects([template], Prefetch("versions", versions_of(template)))
    return template


def versions_of(template: MessageTemplate) -> QuerySet[TemplateVersion]:
    """Its versions, latest first, with authors and reviews loaded."""
    rows = TemplateVersion.objects.filter(template=template)
    return rows.select_related("author").prefetch_related(_reviews()).order_by("-number")


def version_of(organisation: Organisation, id: UUID) -> TemplateVersion:
    """One version of the organisation's.  Raises NotFound for anybody else's."""
    rows = TemplateVersion.objects.filter(organisation=organisation).select_related("template", "organisation")
    return one_of(rows, pk=id)


def sendable_versions_of(organisation: Organisation) -> QuerySet[TemplateVersion]:
    """Every approved version of every template in use: an older one stays sendable beside a newer."""
    return TemplateVersion.objects.filter(
        organisation=organisation, status=Status.APPROVED, template__archived_at=None
    ).select_related("template")


# By hand, because every request to send comes these ways and the ORM's own work is ten times the database's.
_SENDABLE = f"""
SELECT {", ".join(f"v.{column}" for column in _VERSION)}, {", ".join(f"t.{column}" for column in _TEMPLATE)}
FROM content_templateversion v JOIN content_messagetemplate t ON t.id = v.template_id
WHERE v.organisation_id = %(organisation)s AND v.status = 'approved' AND t.archived_at IS NULL
    AND (v.id = %(id)s OR v.template_id = %(id)s)
ORDER BY v.number DESC LIMIT 1
"""  # noqa: S608  (column names of our own models)
_SENDER = f"""
SELECT {", ".join(_SENDER_COLUMNS)} FROM content_senderid WHERE organisation_id = %(organisation)s AND id = %(sender)s
"""  # noqa: S608
_BOTH = f"""
SELECT sender.*, wording.* FROM (VALUES (true)) asked
LEFT JOIN ({_SENDER}) sender ON true LEFT JOIN LATERAL ({_SENDABLE}) wording ON true
"""  # noqa: S608


def sendable_version(organisation: Organisation, id: UUID) -> TemplateVersion | None:
    """The approved version with this id or, for a template's id, its latest approved one; its template is loaded."""
    found = planned_once(_SENDABLE, {"organisation": organisation.pk, "id": id}, size=1)
    return _version_from(found[0]) if found else None


def sendable_by_ids(organisation: Organisation, id: UUID, sender_id: UUID) -> tuple[TemplateVersion, SenderId] | None:
    """`sendable_version` and `sendable_sender` in one round trip; None where either can't be sent."""
    [row] = planned_once(_BOTH, {"organisation": organisation.pk, "id": id, "sender": sender_id}, size=1)
    sender, wording = row[: len(_SENDER_COLUMNS)], row[len(_SENDER_COLUMNS) :]
    if not (sender[0] and wording[0]):
        return None
    chosen = loaded(SenderId, sender)
    return (_version_from(wording), chosen) if chosen.status == Status.APPROVED else None


def _version_from(row: tuple) -> TemplateVersion:
    version = loaded(TemplateVersion, row[: len(_VERSION)])
    version.variables = json.loads(version.variables)
    version.template = loaded(MessageTemplate, row[len(_VERSION) :])
    return version


def approved_versions_of(organisation: Organisation) -> QuerySet[TemplateVersion]:
    """The latest approved version of each template in use, by the template's name: what a sender chooses from."""
    latest = sendable_versions_of(organisation).order_by("template_id", "-number").distinct("template_id")
    return (
        TemplateVersion.objects.filter(pk__in=latest.values("pk")).select_related("template").order_by("template__name")
    )


def last_approved_before(version: TemplateVersion) -> TemplateVersion | None:
    """The approved version a reviewer compares with."""
    return (
        version.template.versions.filter(status=Status.APPROVED, number__lt=version.number).order_by("-number").first()
    )


def sendable(organisation: Organisation, version_id: UUID, sender_id: UUID) -> tuple[TemplateVersion, SenderId]:
    """The version (a template's id means its latest approved one) and the sender, both the organisation's and both approved.

    Raises NotFound for ids that are not the organisation's, NotApproved for what may not be sent (yet, or any more); where
    that goes for both, the refusal says so of both.
    """
    return sendable_by_ids(organisation, version_id, sender_id) or both(
        lambda: sendable_version(organisation, version_id) or _sendable_or_why(version_of(organisation, version_id)),
        lambda: sendable_sender(organisation, sender_id),
    )


def _sendable_or_why(version: TemplateVersion) -> TemplateVersion:
    if version.status != Status.APPROVED or version.template.archived_at:
        raise NotApproved(_template_problem(version), what="template", status=_state_of(version))
    return version  # approved since the first look


def sendable_sender(organisation: Organisation, sender_id: UUID) -> SenderId:
    """An approved sender of the organisation's.  Raises NotFound or NotApproved."""
    found = planned_once(_SENDER, {"organisation": organisation.pk, "sender": sender_id}, size=1)
    if not found:
        raise NotFound
    sender = loaded(SenderId, found[0])
    if sender.status != Status.APPROVED:
        raise NotApproved(
            _("Sender %(name)s is not approved yet. Submit it for review, or choose an approved one.")
            % {"name": sender},
            what="sender",
            status=sender.status,
        )
    return sender


def _template_problem(version: TemplateVersion):
    names = {"name": version.template.name, "number": version.number}
    if version.template.archived_at:
        return _("Template %(name)s was archived. Choose another one.") % names
    return _("Version %(number)d of template %(name)s is not approved. Submit it, or send an approved one.") % names


def _state_of(version: TemplateVersion) -> str:
    return "archived" if version.template.archived_at else version.status


# --- reviews: read by the operator's reviewers in its downline scope


def open_reviews() -> QuerySet[Review]:
    """What waits for a decision, the earliest due first, with all a list shows loaded."""
    return _open().select_related("organisation", "version__template", "sender", "claimed_by")


def of_kind(reviews: QuerySet[Review], kind: str) -> QuerySet[Review]:
    """Only those about templates or about senders; any other word means both."""
    return reviews.filter(**{"templates": {"sender": None}, "senders": {"version": None}}.get(kind, {}))


def review_by_id(id: UUID) -> Review:
    """One review of anybody below, open or decided, with all its page shows loaded.  Raises NotFound."""
    with_all = Review.objects.select_related(
        "organisation", "version__template", "version__author", "sender__author", "submitted_by", "claimed_by",
        "decided_by",
    )  # fmt: skip
    return one_of(with_all, pk=id)


def next_review(*, by: User, after: Review | None = None, kind: str = "") -> Review | None:
    """What to decide next: the first open review nobody else holds, later in the queue than `after` if there is one."""
    free = of_kind(_open(), kind).filter(Q(claimed_by=None) | Q(claimed_by=by) | Q(claimed_until__lt=timezone.now()))
    if after is None:
        return free.first()
    later = free.filter(Q(due_at__gt=after.due_at) | Q(due_at=after.due_at, id__gt=after.pk))
    return later.first() or free.exclude(pk=after.pk).first()


def decisions_on(template: MessageTemplate) -> QuerySet[Review]:
    """What was decided about a template's versions, latest first."""
    return (
        Review.objects.filter(version__template=template)
        .exclude(decision="")
        .select_related("version", "decided_by")
        .order_by("-decided_at")
    )


@dataclass(frozen=True, slots=True)
class QueueState:
    """The head of the queue page."""

    waiting: int
    oldest: timedelta | None
    due_soon: int
    overdue: int
    decided_today: int


def queue_state(*, by: User, day_start: datetime) -> QueueState:
    """How the queue stands, and what this reviewer decided since `day_start`."""
    now = timezone.now()
    counts = Review.objects.filter(decision="").aggregate(
        waiting=Count("pk"),
        first=Min("submitted_at"),
        due_soon=Count("pk", filter=Q(due_at__lt=now + timedelta(minutes=30))),
        overdue=Count("pk", filter=Q(due_at__lt=now)),
    )
    first = counts.pop("first")
    decided_today = Review.objects.filter(decided_by=by, decided_at__gte=day_start).count()
    return QueueState(oldest=now - first if first else None, decided_today=decided_today, **counts)


@dataclass(frozen=True, slots=True)
class Record:
    """How an organisation's submissions were decided so far."""

    approved: int
    rejected: int


def record_of(organisation: Organisation) -> Record:
    of_them = Review.objects.filter(organisation=organisation)
    return Record(
        **of_them.aggregate(
            approved=Count("pk", filter=Q(decision=Review.Decision.APPROVED)),
            rejected=Count("pk", filter=Q(decision=Review.Decision.REJECTED)),
        )
    )


# --- shared


def _reviews() -> Prefetch:
    return Prefetch("reviews", Review.objects.order_by("-id"))


def _open() -> QuerySet[Review]:
    return Review.objects.filter(decision="").order_by("due_at", "id")
