"""What the editor says about a text while it is being written.  Nothing is refused here: it is not finished."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from .findings import Finding, from_hints, from_hits
from .forcing import Forcing, forcing_in, replaced
from .models import SenderId
from .rules import variables as rules
from .rules.segments import UCS2
from .rules.variables import BodyError, VariableSpec
from .screening import current_screen
from .sizes import Sizes, sizes_of
from .wording import MOST_SEGMENTS, USUAL_LIMIT, sentence


@dataclass(frozen=True)
class Reading:
    """A body in the making: its size, what forces Unicode, what a reviewer will look at."""

    body: str
    category: str
    variables: Sequence[Mapping[str, Any]]
    sender: SenderId | None = None

    @cached_property
    def problem(self) -> str:
        """Why the body can't be read, in a sentence; empty when it can."""
        try:
            rules.parse(self.body)
        except BodyError as error:
            return sentence(error.code, error.variable, error.details)
        return ""

    @cached_property
    def specs(self) -> list[VariableSpec]:
        return [_usable(row) for row in self.variables]

    @cached_property
    def signature(self) -> str:
        return self.sender.name if self.sender and self.sender.is_signature else ""

    @cached_property
    def sizes(self) -> Sizes | None:
        return None if self.problem else sizes_of(self.body, self.specs, signature=self.signature)

    @cached_property
    def forcing(self) -> list[Forcing]:
        return [] if self.problem else forcing_in(self.body)

    @cached_property
    def replaced(self) -> str:
        """The body with typed characters where there are some."""
        return replaced(self.body)

    @cached_property
    def plain_sizes(self) -> Sizes | None:
        """The sizes with typed characters instead, where that makes the text smaller."""
        if self.problem or not any(one.instead is not None for one in self.forcing):
            return None
        sizes = sizes_of(self.replaced, self.specs, signature=self.signature)
        return sizes if sizes.longest.segments < self.sizes.longest.segments or self.becomes_plain(sizes) else None

    def becomes_plain(self, sizes: Sizes) -> bool:
        return self.is_unicode and sizes.longest.size.encoding != UCS2

    @property
    def is_unicode(self) -> bool:
        return self.sizes is not None and self.sizes.longest.size.encoding == UCS2

    @property
    def signature_forces(self) -> bool:
        """Only the brackets make it Unicode."""
        return self.is_unicode and bool(self.signature) and not self.forcing

    @property
    def values_force(self) -> bool:
        return self.is_unicode and not self.forcing and not self.signature

    @property
    def is_too_long(self) -> bool:
        return self.sizes is not None and self.sizes.longest.segments > MOST_SEGMENTS

    @cached_property
    def meter(self) -> list[int]:
        """How full each segment of the longest text is, in per cent; the last may be partly full."""
        size = self.sizes.longest.size
        rest = size.units - (size.segments - 1) * size.per_segment
        last = max(0, min(100, round(100 * rest / size.per_segment)))
        return [*[100] * (min(size.segments, MOST_SEGMENTS + 1) - 1), last]

    @cached_property
    def findings(self) -> list[Finding]:
        if self.problem:
            return []
        hits = [asdict(hit) for hit in current_screen().hits(self.body)]
        return [*from_hits(hits, self.body), *from_hints(self.body, self.category, self.specs)]

    def as_data(self) -> dict[str, Any]:
        """The reading for scripts."""
        if self.problem:
            return {"problem": self.problem}
        sizes = {name: getattr(self.sizes, name).size for name in ("shortest", "typical", "longest")}
        return {
            "encoding": sizes["longest"].encoding,
            "characters": sizes["typical"].units,
            "per_segment": sizes["longest"].per_segment,
            "segments": {name: size.segments for name, size in sizes.items()},
            "text": self.sizes.typical.text,
            "forcing": [{**asdict(one), "code": one.code} for one in self.forcing],
            "findings": [asdict(one) for one in self.findings],
        }


def _usable(row: Mapping[str, Any]) -> VariableSpec:
    """A description people are still typing, with what is unusable left out."""
    name, example, limit = str(row["name"]), str(row.get("example") or ""), row.get("max_length")
    if not isinstance(limit, int) or not 1 <= limit <= rules.LONGEST_VALUE:
        limit = USUAL_LIMIT
    if rules.check_values([VariableSpec(name)], {name: example}):
        example = ""
    return VariableSpec(name, row.get("type") or "text", example, limit)
