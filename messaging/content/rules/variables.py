"""Placeholders in a template's body, and the values put into them.

A body holds `{name}` placeholders; `{{` and `}}` are braces that stay.  A value is put in as it is and never looked at
again: one that contains `{name}` shows `{name}`.  Everything a text may not carry is refused here, once.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import urlsplit

LONGEST_BODY = 2_000
MOST_VARIABLES = 50
LONGEST_NAME = 40
LONGEST_VALUE = 500
#: Digits of a number that is no text; longer ones are somebody's attack or mistake.
LONGEST_NUMBER = 30

VariableType = Literal["text", "number", "code", "date", "amount", "link"]

#: Characters no text may carry: controls, line separators, direction overrides, halves of surrogate pairs.
#: A body may hold line breaks; a value may not.
_FORBIDDEN = "\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
FORBIDDEN_IN_BODY = re.compile(f"[{_FORBIDDEN}]")
FORBIDDEN_IN_VALUE = re.compile(f"[{_FORBIDDEN}\n\r]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+")
_NAME = re.compile(r"\w+")


def gettext_noop(message: str) -> str:
    """Marks a sentence for the translators; whoever shows it translates it."""
    return message


MESSAGES = {
    "brace": gettext_noop("A brace has no partner. Write {{ or }} for a brace that stays."),
    "name": gettext_noop("“%(variable)s” can't be a variable: use letters, digits and underscores, up to %(limit)d."),
    "too_many": gettext_noop("There are more than %(limit)d variables."),
    "body_too_long": gettext_noop("The text is longer than %(limit)d characters."),
    "body_character": gettext_noop("The text contains a character that can't be sent (%(character)s)."),
    "missing": gettext_noop("“%(variable)s” has no value."),
    "unknown": gettext_noop("The text has no variable “%(variable)s”."),
    "too_long": gettext_noop("The value of “%(variable)s” is longer than %(limit)d characters."),
    "wrong_type": gettext_noop("The value of “%(variable)s” is not a %(type)s."),
    "control_character": gettext_noop("The value of “%(variable)s” contains a control character (%(character)s)."),
    "nul": gettext_noop("The value of “%(variable)s” contains a NUL character."),
    "lone_surrogate": gettext_noop("The value of “%(variable)s” contains half of a character (%(character)s)."),
    "undescribed": gettext_noop("“%(variable)s” needs a type and an example."),
    "described_twice": gettext_noop("“%(variable)s” is described twice."),
    "unused": gettext_noop("“%(variable)s” is described but not in the text."),
    "bad_limit": gettext_noop("The longest value of “%(variable)s” must be between 1 and %(limit)d characters."),
    "unknown_type": gettext_noop("“%(variable)s” has a type we do not know."),
    "bad_example": gettext_noop("The example of “%(variable)s” is not a value it would accept."),
}


@dataclass(frozen=True, slots=True)
class VariableProblem:
    """What is wrong with one variable.  `code` is stable; `MESSAGES[code] % details` is the sentence."""

    variable: str
    code: str
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def message(self) -> str:
        return MESSAGES[self.code] % {"variable": self.variable, **self.details}


class BodyError(Exception):
    """A body that is no template: `code`, the `position` it went wrong at, and a sentence."""

    def __init__(self, code: str, *, position: int, variable: str = "", **details: Any) -> None:
        self.code = code
        self.position = position
        self.variable = variable
        self.details = details
        self.message = MESSAGES[code] % {"variable": variable, **details}
        super().__init__(self.message)


class ValueRefused(Exception):
    """Values that can't be put in; `problems` names each variable."""

    def __init__(self, problems: Sequence[VariableProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__(" ".join(problem.message for problem in problems))


@dataclass(frozen=True, slots=True)
class Text:
    """Wording that stays."""

    text: str


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A place for a value."""

    name: str


Part = Text | Placeholder


@dataclass(frozen=True, slots=True)
class VariableSpec:
    """What a variable takes: its type, an example for the reviewer, and the longest value."""

    name: str
    type: VariableType = "text"
    example: str = ""
    max_length: int = LONGEST_VALUE


def specs_from(rows: Iterable[Mapping[str, Any]]) -> tuple[VariableSpec, ...]:
    """Specs as they are stored: `[{"name", "type", "example", "max_length"}]`."""
    return tuple(
        VariableSpec(str(row["name"]), row.get("type") or "text", row.get("example") or "", _limit_of(row))
        for row in rows
    )


def _limit_of(row: Mapping[str, Any]) -> int:
    limit = row.get("max_length")
    return LONGEST_VALUE if limit is None else limit


def parse(body: str) -> tuple[Part, ...]:
    """The parts of a body in order, neighbouring wording joined.  Raises BodyError."""
    if len(body) > LONGEST_BODY:
        raise BodyError("body_too_long", position=LONGEST_BODY, limit=LONGEST_BODY)
    if found := FORBIDDEN_IN_BODY.search(body):
        raise BodyError("body_character", position=found.start(), character=_named(found[0]))
    parts: list[Part] = []
    wording: list[str] = []
    for part in _tokens(body):
        if isinstance(part, str):
            wording.append(part)
        else:
            parts += [*_joined(wording), part]
            wording = []
    parts += _joined(wording)
    if len({part.name for part in parts if isinstance(part, Placeholder)}) > MOST_VARIABLES:
        raise BodyError("too_many", position=0, limit=MOST_VARIABLES)
    return tuple(parts)


def _tokens(body: str) -> Iterator[str | Placeholder]:
    for token in _TOKEN.finditer(body):
        word = token[0]
        if word in ("{{", "}}"):
            yield word[0]
        elif word in ("{", "}"):
            raise BodyError("brace", position=token.start())
        elif token[1] is None:
            yield word
        elif len(token[1]) > LONGEST_NAME or not _NAME.fullmatch(token[1]):
            raise BodyError("name", position=token.start(), variable=token[1][:LONGEST_NAME], limit=LONGEST_NAME)
        else:
            yield Placeholder(token[1])


def _joined(wording: list[str]) -> list[Part]:
    return [Text("".join(wording))] if wording else []


def names(body: str) -> tuple[str, ...]:
    """The variables of a body, each once, in the order they first come.  Raises BodyError."""
    return compile_body(body).names


class CompiledTemplate:
    """A body ready to be filled in many times."""

    __slots__ = ("names", "_parts", "_holes")

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = [part.text if isinstance(part, Text) else "" for part in parts]
        self._holes = [(at, part.name) for at, part in enumerate(parts) if isinstance(part, Placeholder)]
        self.names = tuple(dict.fromkeys(name for _, name in self._holes))

    def render(self, values: Mapping[str, Any]) -> str:
        """The text with the values put in.  Raises ValueRefused, so what comes out can always be sent.

        Values of other names are not looked at; types and lengths of their own are `check_values`' business.
        """
        problems = [problem for name in self.names for problem in _unusable(name, values.get(name), LONGEST_VALUE)]
        if problems:
            raise ValueRefused(problems)
        filled = self._parts.copy()
        for at, name in self._holes:
            filled[at] = as_text(values[name])
        return "".join(filled)


@lru_cache(maxsize=1024)
def compile_body(body: str) -> CompiledTemplate:
    """The body as something that can be rendered.  Raises BodyError.  The same body is compiled once."""
    return CompiledTemplate(parse(body))


def as_text(value: Any) -> str | None:
    """A value as it is shown: text, whole numbers, decimals and dates; nothing for what has no one way to be shown."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**LONGEST_NUMBER else None
    if isinstance(value, Decimal):
        return f"{value:f}" if value.is_finite() and abs(value.adjusted()) < LONGEST_NUMBER else None
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    return value.isoformat() if isinstance(value, date) else None


def check_values(specs: Sequence[VariableSpec], values: Mapping[str, Any]) -> list[VariableProblem]:
    """All that is wrong with one recipient's values, in the order of the specs; then the values nobody asked for."""
    if len(values) > max(MOST_VARIABLES, len(specs)):
        return [VariableProblem("", "too_many", {"limit": MOST_VARIABLES})]
    problems = [problem for spec in specs for problem in _problems_of(spec, values.get(spec.name))]
    if len(values) > len(specs) - len(problems):
        wanted = {spec.name for spec in specs}
        problems += [VariableProblem(str(name)[:LONGEST_NAME], "unknown") for name in values if name not in wanted]
    return problems


def check_specs(body: str, specs: Sequence[VariableSpec]) -> list[VariableProblem]:
    """Whether the specs describe the body's variables, each once, with an example it accepts.  Raises BodyError."""
    wanted, seen = names(body), set()
    problems = []
    for spec in specs:
        if spec.name in seen:
            problems.append(VariableProblem(spec.name, "described_twice"))
        elif spec.name not in wanted:
            problems.append(VariableProblem(spec.name[:LONGEST_NAME], "unused"))
        else:
            problems += _flaws_of(spec)
        seen.add(spec.name)
    return problems + [VariableProblem(name, "undescribed") for name in wanted if name not in seen]


def _flaws_of(spec: VariableSpec) -> list[VariableProblem]:
    if spec.type not in _FITS:
        return [VariableProblem(spec.name, "unknown_type")]
    if not isinstance(spec.max_length, int) or not 1 <= spec.max_length <= LONGEST_VALUE:
        return [VariableProblem(spec.name, "bad_limit", {"limit": LONGEST_VALUE})]
    if not spec.example:
        return [VariableProblem(spec.name, "undescribed")]
    return [VariableProblem(spec.name, "bad_example")] if _problems_of(spec, spec.example) else []


def _problems_of(spec: VariableSpec, value: Any) -> list[VariableProblem]:
    problems = _unusable(spec.name, value, min(spec.max_length, LONGEST_VALUE), spec.type)
    if not problems and spec.type != "text" and not _FITS[spec.type](as_text(value).strip()):
        return [VariableProblem(spec.name, "wrong_type", {"type": spec.type})]
    return problems


def _unusable(name: str, value: Any, limit: int, type: str = "text") -> list[VariableProblem]:
    """What keeps a value out of any text: it is not there, is no text, is too long, or has what none may carry."""
    if value is None or value == "" or (isinstance(value, str) and value.isspace()):
        return [VariableProblem(name, "missing")]
    text = value if isinstance(value, str) else as_text(value)
    if text is None:
        return [VariableProblem(name, "wrong_type", {"type": type})]
    if len(text) > limit:
        return [VariableProblem(name, "too_long", {"limit": limit})]
    if found := FORBIDDEN_IN_VALUE.search(text):
        return [_forbidden(name, found[0])]
    return []


def _forbidden(name: str, character: str) -> VariableProblem:
    if character == "\x00":
        return VariableProblem(name, "nul")
    code = "lone_surrogate" if _SURROGATE.match(character) else "control_character"
    return VariableProblem(name, code, {"character": _named(character)})


def _named(character: str) -> str:
    """U+202E, because the character itself can't be shown."""
    return f"U+{ord(character):04X}"


def _is_link(text: str) -> bool:
    """An absolute web address with a host and without white space."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and "." in (parts.hostname or "") and not re.search(r"\s", text)
    except ValueError:
        return False


def _fits(pattern: str) -> Callable[[str], bool]:
    return re.compile(pattern, re.ASCII).fullmatch


#: Whether a text is of a type.  Dates and amounts are accepted the way people write them, in any language we serve.
_FITS: dict[str, Callable[[str], Any]] = {
    "text": lambda text: True,
    "number": _fits(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?"),
    "code": _fits(r"[A-Za-z0-9]([A-Za-z0-9-]{0,18}[A-Za-z0-9])?"),
    "date": re.compile(r"(?=.*[0-9])[\w ,.:/+-]{1,40}").fullmatch,
    "amount": _fits(
        r"([A-Z]{3}|[¥￥$€£₹]|[A-Z]{1,2}\$)? ?[+-]?(\d{1,3}([, ]\d{3})+|\d+)([.,]\d{1,6})? ?([A-Z]{3}|[¥￥$€£₹%元])?"
    ),
    "link": _is_link,
}
