"""A body and its variables, checked as one thing."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kit.errors import Invalid

from .models import TemplateVersion
from .rules import variables as rules
from .rules.variables import BodyError, VariableProblem, VariableSpec
from .sizes import sizes_of
from .texts import clean_text, refuse

#: A message longer than this is a mistake or an attack; carriers refuse to join more.
MOST_SEGMENTS = 10
#: How long a value may be when nobody said: most names, codes and dates are shorter.
USUAL_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Wording:
    """A body with line feeds only, and variables that describe it: as they are stored, and as the rules read them."""

    body: str
    variables: list[dict[str, Any]]
    specs: tuple[VariableSpec, ...]


def check_wording(body: str, variables: Sequence[Mapping[str, Any]]) -> Wording:
    """The wording, if it can be kept.

    Raises Invalid naming `body` or `variables`; for variables `details["variables"]` lists each variable's problem.
    """
    body = clean_text("body", body, longest=rules.LONGEST_BODY)
    if not body:
        raise refuse("body", _("Write the text of the message."))
    specs = specs_of(variables)
    try:
        problems = rules.check_specs(body, specs)
    except BodyError as error:
        raise refuse("body", sentence(error.code, error.variable, error.details)) from None
    if problems:
        raise variables_refused(problems)
    longest = sizes_of(body, specs).longest.segments
    if longest > MOST_SEGMENTS:
        raise refuse(
            "body",
            _("With the longest values this takes %(segments)d segments; %(most)d is the most. Shorten the text.")
            % {"segments": longest, "most": MOST_SEGMENTS},
        )
    return Wording(body=body, variables=[_stored(spec) for spec in specs], specs=specs)


def specs_of(variables: Sequence[Mapping[str, Any]]) -> tuple[VariableSpec, ...]:
    """The rules' view of variables as people and machines send them.  Raises Invalid when they have another shape."""
    if len(variables) > rules.MOST_VARIABLES:
        raise refuse("variables", sentence("too_many", "", {"limit": rules.MOST_VARIABLES}))
    specs = []
    for row in variables:
        if not isinstance(row, Mapping) or not isinstance(row.get("name"), str):
            raise refuse("variables", _("Each variable has a name, a type, an example and a longest length."))
        name = clean_text("variables", row["name"], longest=rules.LONGEST_NAME)
        example = clean_text("variables", row.get("example") or "", longest=rules.LONGEST_VALUE)
        limit = row.get("max_length")
        specs.append(VariableSpec(name, row.get("type") or "text", example, USUAL_LIMIT if limit is None else limit))
    return tuple(specs)


def described(body: str, variables: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row for each variable of the body, in its order: the row that was given, else an empty description.

    A body that can't be read yet gives the rows back as they came.
    """
    rows = {str(row["name"]): dict(row) for row in variables}
    try:
        names = rules.names(body)
    except BodyError:
        return list(rows.values())
    return [rows.get(name, {"name": name, "type": "text", "example": "", "max_length": USUAL_LIMIT}) for name in names]


def fingerprint_of(version: TemplateVersion) -> str:
    """Tells one saved state of a draft from another."""
    state = json.dumps([version.body, version.variables], sort_keys=True)
    return hashlib.sha256(state.encode()).hexdigest()[:16]


def sentence(code: str, variable: str, details: Mapping[str, Any]) -> str:
    """A rule's problem in the reader's language."""
    return gettext(rules.MESSAGES[code]) % {"variable": variable, **details}


def variables_refused(problems: Sequence[VariableProblem]) -> Invalid:
    """The error that names every variable with a problem."""
    rows = [
        {"variable": one.variable, "code": one.code, "message": sentence(one.code, one.variable, one.details)}
        for one in problems
    ]
    return Invalid(fields={"variables": " ".join(row["message"] for row in rows)}, variables=rows)


def _stored(spec: VariableSpec) -> dict[str, Any]:
    return {"name": spec.name, "type": spec.type, "example": spec.example, "max_length": spec.max_length}
