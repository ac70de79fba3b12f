"""Compliance decisions: asked for, claimed by opening, taken once."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import Membership, User
from accounts.rules.permissions import Permission
from kit.queries import one_of

from ..errors import AlreadyDecided, ClaimedByAnother, NotAReviewer, OwnWork, ReasonNeeded
from ..models import Review, ReviewStatus, SenderId, TemplateVersion
from ..reasons import REASONS
from ..risk import risk_of
from ..screening import current_screen
from ..texts import clean_text, refuse

#: How long a claim lasts after its review was last opened.
CLAIM = timedelta(minutes=10)

#: By when a decision is promised, by what is asked about.
DUE_IN = {
    "verification": timedelta(hours=1),
    "notice": timedelta(hours=2),
    "promotion": timedelta(hours=4),
    "international": timedelta(hours=4),
}
SENDER_DUE_IN = timedelta(hours=4)


def open_review(*, version: TemplateVersion | None = None, sender: SenderId | None = None, by: User) -> Review:
    """Put one version or one sender in the queue, with what screening found.  Part of its submission's transaction."""
    thing = version or sender
    hits = current_screen().hits(version.body if version else sender.name)
    return Review.objects.create(
        organisation_id=thing.organisation_id,
        version=version,
        sender=sender,
        submitted_by=by,
        due_at=timezone.now() + (DUE_IN[version.template.category] if version else SENDER_DUE_IN),
        hits=[asdict(hit) for hit in hits],
        risk=risk_of(hits, version),
    )


@transaction.atomic
def claim_review(*, review: Review, by: User) -> Review:
    """Take a review for ten minutes, or ten more.  A person holds one claim: the one they had before is let go.

    Raises ClaimedByAnother while somebody else's claim lives, AlreadyDecided when it has been decided.
    """
    until = timezone.now() + CLAIM
    if not Review.objects.filter(_open_to(by), pk=review.pk).update(claimed_by=by, claimed_until=until):
        raise _why_not(review)
    # skip_locked: two reviewers swapping reviews must not wait for each other
    others = Review.objects.select_for_update(skip_locked=True).filter(claimed_by=by, decision="")
    held = list(others.exclude(pk=review.pk).values_list("pk", flat=True))
    Review.objects.filter(pk__in=held).update(claimed_by=None, claimed_until=None)
    return _fresh(review)


def release_review(*, review: Review, by: User) -> None:
    """Give a claim back before its time.  Somebody else's claim stays as it is."""
    Review.objects.filter(pk=review.pk, claimed_by=by, decision="").update(claimed_by=None, claimed_until=None)


def approve(*, review: Review, by: User, note: str = "") -> Review:
    """Let a version or sender be used, for good.  One reviewer decides, once; a later one is told, not obeyed.

    Raises NotAReviewer, OwnWork (author, submitter or a member of the owning organisation), ClaimedByAnother,
    AlreadyDecided.
    """
    return _decide(review=review, by=by, decision=Review.Decision.APPROVED, reasons=(), note=note)


def reject(*, review: Review, by: User, reasons: Sequence[str], note: str = "") -> Review:
    """Send a version or sender back with at least one reason.  Raises as `approve` does, and ReasonNeeded.

    The reason "other" needs a note, because that is all its author will have to go by.
    """
    if not reasons:
        raise ReasonNeeded()
    if unknown := [code for code in reasons if code not in REASONS]:
        raise refuse("reasons", _("There is no reason called %(code)s.") % {"code": unknown[0][:40]})
    if "other" in reasons and not note.strip():
        raise refuse("note", _("Say in a note what has to change."))
    return _decide(review=review, by=by, decision=Review.Decision.REJECTED, reasons=reasons, note=note)


@transaction.atomic
def _decide(*, review: Review, by: User, decision: str, reasons: Sequence[str], note: str) -> Review:
    note = clean_text("note", note, longest=1000)
    review = _fresh(review)
    ensure_may_decide(review=review, by=by)
    decided = Review.objects.filter(_open_to(by), pk=review.pk).update(
        decision=decision,
        decided_by=by,
        decided_at=timezone.now(),
        reasons=list(dict.fromkeys(reasons)),
        note=note,
        claimed_by=None,
        claimed_until=None,
    )
    if not decided:
        raise _why_not(review)
    review = _fresh(review)
    _carry_out(review)
    return review


def _carry_out(review: Review) -> None:
    """Give the thing decided about its new status, and note it in the audit trail."""
    thing = review.subject
    before, thing.status = thing.status, ReviewStatus(review.decision)
    if review.version and review.decision == Review.Decision.APPROVED:
        thing.approved_at = review.decided_at
    thing.save(update_fields=["status", *(["approved_at"] if review.version else [])])
    audit.record(
        action=f"{'template' if review.version else 'sender'}.{review.decision}",
        target=thing,
        before={"status": before},
        after={"status": thing.status, "reasons": review.reasons, "note": review.note, "review": str(review.pk)},
        organisation=review.organisation,
    )


def ensure_may_decide(*, review: Review, by: User) -> None:
    """Raise NotAReviewer or OwnWork unless this person may decide on this review, claims aside."""
    memberships = Membership.objects.filter(user=by).select_related("organisation")
    if not any(membership.may(Permission.REVIEW_CONTENT) for membership in memberships):
        raise NotAReviewer()
    author_id = review.subject.author_id
    if by.pk in (author_id, review.submitted_by_id):
        raise OwnWork()
    if any(membership.organisation_id == review.organisation_id for membership in memberships):
        raise OwnWork()


def _open_to(reviewer: User) -> Q:
    """Undecided, and nobody else's living claim: the condition under which one of two racers wins."""
    return Q(decision="") & (Q(claimed_by=None) | Q(claimed_by=reviewer) | Q(claimed_until__lt=timezone.now()))


def _why_not(review: Review) -> AlreadyDecided | ClaimedByAnother:
    """What to tell the one who came second."""
    review = _fresh(review)
    if review.decision:
        return AlreadyDecided(
            _("%(name)s has already decided this: %(decision)s. Nothing was overwritten.")
            % {"name": review.decided_by, "decision": review.get_decision_display()},
            decision=review.decision,
        )
    return ClaimedByAnother(
        _("%(name)s has this open. It comes back to the queue ten minutes after they leave it.")
        % {"name": review.claimed_by},
    )


def _fresh(review: Review) -> Review:
    reviews = Review.objects.select_related("version__template", "sender", "organisation", "claimed_by", "decided_by")
    return one_of(reviews, pk=review.pk)
