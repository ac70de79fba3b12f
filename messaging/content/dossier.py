"""All a reviewer needs to decide: what changed, what was found, what people will read, what was decided before."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from kit.errors import DomainError
from kit.formatting import moment, series

from .actions.reviews import ensure_may_decide
from .findings import Finding, from_hints, from_hits
from .marking import Piece, pieces, side_by_side
from .models import Review, TemplateVersion
from .queries import Record, decisions_on, last_approved_before, record_of
from .risk import tone_of
from .rules.variables import specs_from
from .sizes import Sizes, sizes_of
from .timing import due


@dataclass(frozen=True)
class Line:
    """One line of the queue."""

    review: Review
    reader: User

    @property
    def due(self) -> tuple[str, str]:
        return due(self.review.due_at)

    @property
    def risk_tone(self) -> str:
        return tone_of(self.review.risk)

    @property
    def kind(self) -> str:
        """Promotion · changed, or what a sender is."""
        if self.review.version is None:
            return " · ".join([_("Sender"), str(self.review.sender.kind_label)])
        novelty = _("new") if self.review.version.number == 1 else _("changed")
        return f"{self.review.version.template.get_category_display()} · {novelty}"

    @property
    def holder(self) -> User | None:
        """Another reviewer who has it open."""
        held = self.review.is_claimed and self.review.claimed_by_id != self.reader.pk
        return self.review.claimed_by if held else None


@dataclass(frozen=True)
class Dossier(Line):
    """One review, opened.  `refusal` says why this reader can't decide on it, claims aside."""

    @cached_property
    def version(self) -> TemplateVersion | None:
        return self.review.version

    @cached_property
    def before(self) -> TemplateVersion | None:
        return last_approved_before(self.version) if self.version else None

    @cached_property
    def sides(self) -> tuple[list[Piece], list[Piece]]:
        """The approved wording, empty for a first one, and the proposed one."""
        hits = [(hit["start"], hit["end"]) for hit in self.review.hits]
        if self.before:
            return side_by_side(self.before.body, self.version.body, hits=hits)
        return [], pieces(self.version.body, hits=hits)

    @cached_property
    def sizes(self) -> Sizes:
        return sizes_of(self.version.body, specs_from(self.version.variables))

    @cached_property
    def findings(self) -> list[Finding]:
        if self.version is None:
            found = from_hits(self.review.hits, self.review.sender.name)
        else:
            specs = specs_from(self.version.variables)
            hints = from_hints(self.version.body, self.version.template.category, specs)
            found = [*from_hits(self.review.hits, self.version.body), *hints]
        return found or [Finding("ok", _("Nothing stands out"))]

    @cached_property
    def record(self) -> Record:
        return record_of(self.review.organisation)

    @cached_property
    def history(self) -> list[dict[str, Any]]:
        """Decisions on this template before, or on this sender."""
        if self.version:
            decided: Iterable[Review] = decisions_on(self.version.template)
        else:
            decided = self.review.sender.reviews.exclude(decision="").select_related("decided_by")
        return [_decided(review) for review in decided]

    @cached_property
    def risk_bars(self) -> list[str]:
        """Ten bars, filled as far as the risk goes: w up to 50, b above."""
        full = -(-self.review.risk // 10)
        return [("w" if bar < 5 else "b") if bar < full else "" for bar in range(10)]

    @cached_property
    def refusal(self) -> str:
        try:
            ensure_may_decide(review=self.review, by=self.reader)
        except DomainError as error:
            return str(error)
        return ""

    @property
    def can_decide(self) -> bool:
        return not self.review.decision and not self.refusal and self.holder is None


def _decided(review: Review) -> dict[str, Any]:
    approved = review.decision == Review.Decision.APPROVED
    what = _("Version %(number)d") % {"number": review.version.number} if review.version else ""
    reasons = series(one.label for one in review.explained)
    return {
        "tone": "ok" if approved else "bad",
        "label": review.get_decision_display(),
        "text": " · ".join(filter(None, [what, reasons, str(review.decided_by), moment(review.decided_at)])),
        "note": review.note,
    }
