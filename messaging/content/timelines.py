"""What happened to a template or a sender, as steps for the timeline; and its versions as pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from kit.formatting import moment

from .marking import Piece, pieces
from .models import MessageTemplate, Review, SenderId, TemplateVersion
from .rules.variables import specs_from
from .sizes import Sizes, sizes_of


@dataclass(frozen=True, slots=True)
class Picture:
    """A version as a page shows it."""

    version: TemplateVersion
    pieces: list[Piece]
    sizes: Sizes


def pictures_of(versions: Sequence[TemplateVersion]) -> list[Picture]:
    return [
        Picture(version, pieces(version.body), sizes_of(version.body, specs_from(version.variables)))
        for version in versions
    ]


def history_of(template: MessageTemplate, versions: Sequence[TemplateVersion]) -> list[dict[str, Any]]:
    """Every step of every version, the latest first.  Reviewers appear as the team they are."""
    steps = []
    for version in versions:
        names = {"number": version.number, "name": version.author}
        title = _("Version %(number)d written by %(name)s") % names
        steps.append((version.created_at, "", "edit", title, ""))
        for review in version.reviews.all():
            steps += steps_of(review, _("Version %(number)d") % names)
    if template.archived_at:
        steps.append((template.archived_at, "warn", "archive", _("Archived"), ""))
    return _shown(steps)


def history_of_sender(sender: SenderId) -> list[dict[str, Any]]:
    steps = [(sender.created_at, "", "edit", _("Written by %(name)s") % {"name": sender.author}, "")]
    for review in sender.reviews.all():
        steps += steps_of(review, str(sender))
    return _shown(steps)


def steps_of(review: Review, what: str) -> list[tuple]:
    """That it was submitted and, once it was, how it was decided."""
    steps = [(review.submitted_at, "info", "send", _("%(what)s submitted for review") % {"what": what}, "")]
    if review.decision == Review.Decision.APPROVED:
        steps.append((review.decided_at, "ok", "check", _("%(what)s approved") % {"what": what}, review.note))
    elif review.decision:
        why = " ".join([*(f"{one.label}. {one.advice}" for one in review.explained), review.note]).strip()
        steps.append((review.decided_at, "bad", "x", _("%(what)s rejected") % {"what": what}, why))
    return steps


def _shown(steps: list[tuple]) -> list[dict[str, Any]]:
    ordered = sorted(steps, key=lambda step: step[0], reverse=True)
    return [
        {"time": moment(at), "iso": at.isoformat(), "tone": tone, "icon": icon, "title": title, "text": text}
        for at, tone, icon, title, text in ordered
    ]
