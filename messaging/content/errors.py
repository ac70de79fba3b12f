"""This room's refusals."""

from collections.abc import Callable
from typing import TypeVar

from django.utils.translation import gettext_lazy as _

from kit.errors import DomainError, NotAllowed

V, S = TypeVar("V"), TypeVar("S")


class NotApproved(DomainError):
    """Only approved wording and approved senders go out.

    `details["what"]` is template, sender or text; of template and sender together `details["fields"]` says what is wrong with each.
    """

    code = "not_approved"
    message = _("Only approved wording and approved senders can be sent. Submit it for review, then send.")


class NotADraft(DomainError):
    """The wording was submitted: it is fixed for good."""

    code = "not_a_draft"
    message = _("This version was submitted and no longer changes. Make a new version to edit the text.")
    status = 409


class DraftExists(DomainError):
    """A template has one draft at a time; `details["version_id"]` is it."""

    code = "draft_exists"
    message = _("This template already has a draft. Edit that one.")
    status = 409


class EditedElsewhere(DomainError):
    """Somebody saved the draft after this editor was opened: nothing was overwritten."""

    code = "edited_elsewhere"
    message = _("Somebody else saved this draft while you were editing. Copy your text, reload and put it in again.")
    status = 409


class AlreadyInReview(DomainError):
    """It was submitted before and waits for, or has, its decision."""

    code = "already_in_review"
    message = _("This was submitted already.")
    status = 409


class AlreadyDecided(DomainError):
    """Another reviewer was first; their decision stands."""

    code = "already_decided"
    message = _("Somebody else has already decided this. Nothing was overwritten.")
    status = 409


class ClaimedByAnother(DomainError):
    """Another reviewer has it open; the claim ends by itself."""

    code = "claimed_by_another"
    message = _("Another reviewer has this open. It comes back to the queue when they leave it for ten minutes.")
    status = 409


class OwnWork(NotAllowed):
    """Nobody decides on their own work, or on that of an organisation they belong to."""

    code = "own_work"
    message = _("You wrote or submitted this, or belong to its organisation. Another reviewer has to decide.")


class NotAReviewer(NotAllowed):
    """Decisions are taken by the operator's reviewers."""

    code = "not_a_reviewer"
    message = _("Only a reviewer of the operator can decide. An owner of the operator can grant that role.")


class ReasonNeeded(DomainError):
    """A rejection says why, so that its author knows what to change."""

    code = "reason_needed"
    message = _("Choose at least one reason. The customer sees it and knows what to change.")


def both(version: Callable[[], V], sender: Callable[[], S]) -> tuple[V, S]:
    """What the two find.  Raises what one of them raises; where both do, one refusal of the first's kind that tells of both."""
    found, no_version = _tried(version)
    chosen, no_sender = _tried(sender)
    if no_version and no_sender:
        problems = {"template": _problem("template", no_version), "sender": _problem("sender", no_sender)}
        raise type(no_version)(" ".join(dict.fromkeys(problems.values())), fields=problems)
    if refusal := no_version or no_sender:
        raise refusal
    return found, chosen


def _tried(find: Callable[[], V]) -> tuple[V | None, DomainError | None]:
    try:
        return find(), None
    except DomainError as refusal:
        return None, refusal


def _problem(field: str, refusal: DomainError) -> str:
    return str(refusal.details.get("fields", {}).get(field, refusal))
