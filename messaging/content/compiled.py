"""Versions ready to be rendered thousands of times a second.

What never changes is worked out once for each version and signature: the parts between the values, and the size of
them.  A value then only adds its own length, unless it has characters that cost two units or another alphabet.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from .models import SenderId, TemplateVersion
from .rules.segments import BASIC, GSM7, ROOM, UCS2, count_segments, with_sender
from .rules.variables import Placeholder, ValueRefused, VariableSpec, as_text, check_values, parse, specs_from

_OUTSIDE_BASIC = re.compile(f"[^{re.escape(BASIC)}]")
_OUTSIDE_PLANE = re.compile("[\U00010000-\U0010ffff]")


class Rendered(NamedTuple):
    """A text as the handset shows it, and what it costs."""

    text: str
    is_unicode: bool
    segments: int


class CompiledVersion:
    """One version of a template, compiled once.  Immutable, and so safe to keep and to share between threads."""

    __slots__ = ("id", "template_id", "organisation_id", "category", "specs", "names", "body", "_wordings")

    def __init__(
        self, *, id: UUID, template_id: UUID, organisation_id: UUID, category: str, body: str,
        specs: tuple[VariableSpec, ...],
    ) -> None:  # fmt: skip
        self.id = id
        self.template_id = template_id
        self.organisation_id = organisation_id
        self.category = category
        self.specs = specs
        self.names = tuple(spec.name for spec in specs)
        self.body = body
        self._wordings: dict[str, _Wording] = {}

    def render(self, values: Mapping[str, Any], sender: SenderId | None = None) -> Rendered:
        """The text with the values put in and, for a signature, its name in brackets before it.

        Raises ValueRefused naming each variable whose value is missing, unknown, too long or of another type.
        """
        signature = sender.name if sender is not None and sender.is_signature else ""
        return self.wording(signature).render(values)

    def wording(self, signature: str = "") -> "_Wording":
        """What `render` uses, for callers who render many messages of one sender."""
        found = self._wordings.get(signature)
        if found is None:
            found = self._wordings[signature] = _Wording(self.body, self.specs, signature)
        return found


class _Wording:
    """A body behind one signature."""

    __slots__ = ("specs", "signature", "parts", "holes", "units", "room", "outside", "is_unicode", "opens")

    def __init__(self, body: str, specs: tuple[VariableSpec, ...], signature: str) -> None:
        parts = parse(body)
        self.specs = specs
        self.signature = signature
        self.parts = ["" if isinstance(part, Placeholder) else part.text for part in parts]
        self.holes = [(at, part.name) for at, part in enumerate(parts) if isinstance(part, Placeholder)]
        self.opens = bool(signature) and isinstance(parts[0], Placeholder)
        if not self.opens:
            self.parts[0] = with_sender(signature, self.parts[0]) if signature else self.parts[0]
        elif signature:
            self.parts.insert(0, with_sender(signature, ""))
            self.holes = [(at + 1, name) for at, name in self.holes]
        self._measure("".join(self.parts))

    def _measure(self, constant: str) -> None:
        """Say which values leave the sum simple; `outside` finds those that don't, None when no value does."""
        self.units = len(constant)
        if _OUTSIDE_BASIC.search(constant) is None:
            self.is_unicode, self.outside = False, _OUTSIDE_BASIC
        else:
            self.is_unicode = count_segments(constant).encoding == UCS2
            self.outside = _OUTSIDE_PLANE if self.is_unicode and not _OUTSIDE_PLANE.search(constant) else None
        self.room = ROOM[UCS2 if self.is_unicode else GSM7]

    def render(self, values: Mapping[str, Any]) -> Rendered:
        if problems := check_values(self.specs, values):
            raise ValueRefused(problems)
        parts, units, outside = self.parts.copy(), self.units, self.outside
        simple = outside is not None
        for at, name in self.holes:
            value = values[name]
            parts[at] = value = value if isinstance(value, str) else as_text(value)
            if simple and outside.search(value) is None:
                units += len(value)
            else:
                simple = False
        text = "".join(parts)
        if not simple or self.opens:
            return self._counted(text)
        single, several = self.room
        return Rendered(text, self.is_unicode, 1 if units <= single else -(-units // several))

    def _counted(self, text: str) -> Rendered:
        """The long way: characters of two units, or a first value that may bring the signature itself."""
        if self.opens:
            bare = text[len(self.parts[0]) :]
            text = with_sender(self.signature, bare)
        size = count_segments(text)
        return Rendered(text, size.encoding == UCS2, size.segments)


def compiled(version: TemplateVersion) -> CompiledVersion:
    """The compiled form of a version whose template is loaded.  The same wording is compiled once a process."""
    return _compile(
        version.pk,
        version.template_id,
        version.organisation_id,
        version.template.category,
        version.body,
        json.dumps(version.variables),
    )


@lru_cache(maxsize=2048)
def _compile(
    id: UUID, template_id: UUID, organisation_id: UUID, category: str, body: str, variables: str
) -> CompiledVersion:
    return CompiledVersion(
        id=id,
        template_id=template_id,
        organisation_id=organisation_id,
        category=category,
        body=body,
        specs=specs_from(json.loads(variables)),
    )
