"""Text sent as such: allowed when it is, word for word, an approved version with values in it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation

from .errors import NotApproved
from .models import SenderId, TemplateVersion
from .queries import sendable_versions_of
from .rules.segments import with_sender
from .rules.variables import LONGEST_BODY, Part, Placeholder, VariableSpec, check_values, parse, specs_from

#: Places looked at before a comparison is given up: texts of many variables side by side could take for ever.
MOST_STEPS = 20_000


@dataclass(frozen=True, slots=True)
class FreeText:
    """The version a text turned out to be, and the values that make it."""

    version: TemplateVersion
    values: Mapping[str, str]


def free_text_allowed(organisation: Organisation, text: str, sender: SenderId) -> FreeText:
    """The approved version whose wording this text is; the latest approved first.  The signature may lead the text.

    Raises NotApproved, whose details say what to do.
    """
    if len(text) <= 2 * LONGEST_BODY:
        text = _without_signature(text.replace("\r\n", "\n"), sender)
        for version in sendable_versions_of(organisation).order_by("-approved_at"):
            values = values_in(text, version)
            if values is not None:
                return FreeText(version, values)
    raise NotApproved(
        _("This text is not the wording of an approved template. Submit it as a template, or send with a template."),
        what="text",
    )


def values_in(text: str, version: TemplateVersion) -> dict[str, str] | None:
    """The values that turn the version into this text, or None when none do."""
    specs = specs_from(version.variables)
    return _Match(text, parse(version.body), specs).find()


def _without_signature(text: str, sender: SenderId) -> str:
    if not sender.is_signature:
        return text
    return text.removeprefix(with_sender(sender.name, ""))


class _Match:
    """Puts a text beside the parts of a body.  Backtracks over where literals occur, at most MOST_STEPS times."""

    def __init__(self, text: str, parts: Sequence[Part], specs: Sequence[VariableSpec]) -> None:
        self.text = text
        self.parts = parts
        self.specs = {spec.name: spec for spec in specs}
        self.steps = 0

    def find(self) -> dict[str, str] | None:
        return self._from(0, 0, {})

    def _from(self, at: int, position: int, values: dict[str, str]) -> dict[str, str] | None:
        """The values when parts from `at` on make the text from `position` on."""
        if at == len(self.parts):
            return values if position == len(self.text) else None
        part = self.parts[at]
        known = values.get(part.name) if isinstance(part, Placeholder) else part.text
        if known is not None:
            if not self.text.startswith(known, position):
                return None
            return self._from(at + 1, position + len(known), values)
        for end in self._ends(at, position):
            self.steps += 1
            if self.steps > MOST_STEPS:
                return None
            value = self.text[position:end]
            if self._accepts(part.name, value):
                found = self._from(at + 1, end, {**values, part.name: value})
                if found is not None:
                    return found
        return None

    def _ends(self, at: int, position: int) -> Iterator[int]:
        """Where the value that begins here may end: before the wording that follows, or anywhere if a value follows."""
        furthest = min(len(self.text), position + self.specs[self.parts[at].name].max_length)
        if at + 1 == len(self.parts):
            if furthest == len(self.text):
                yield furthest
            return
        following = self.parts[at + 1]
        if isinstance(following, Placeholder):
            yield from range(position + 1, furthest + 1)
            return
        end = self.text.find(following.text, position + 1)
        while 0 <= end <= furthest:
            yield end
            end = self.text.find(following.text, end + 1)

    def _accepts(self, name: str, value: str) -> bool:
        return not check_values([self.specs[name]], {name: value})
