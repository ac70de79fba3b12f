"""Why something is rejected: what the reviewer ticks, and what its author reads."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Reason:
    """`label` names the problem, `advice` says what to change."""

    code: str
    label: Any
    advice: Any


REASONS = {
    reason.code: reason
    for reason in (
        Reason("opt_out_missing", _("Opt-out text missing"), _("Add “Reply STOP to opt out” and submit again.")),
        Reason("prize", _("Prize or lottery wording"), _("Remove the prize, or link to its terms.")),
        Reason("misleading", _("Absolute or misleading claim"), _("Say only what you can prove.")),
        Reason("sender_mismatch", _("Sender does not match the company"), _("Use the name your customers know.")),
        Reason("link", _("Link not on your own domain"), _("Link to a domain that belongs to you.")),
        Reason("category", _("Wrong message type"), _("Make a template of the right type with this text.")),
        Reason("variables", _("Variables hide the text"), _("Write the sentence out; keep variables for values.")),
        Reason("forbidden", _("Content we do not carry"), _("This subject can't be sent on this platform.")),
        Reason("other", _("Something else, see the note"), _("Follow the reviewer's note.")),
    )
}


def reasons_of(codes: Iterable[str]) -> list[Reason]:
    """The reasons behind stored codes; codes we no longer know are left out."""
    return [REASONS[code] for code in codes if code in REASONS]
