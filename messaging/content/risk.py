"""A number that says how closely a reviewer should look: 0 nothing stands out, 100 stop and think."""

from collections.abc import Iterable

from .models import TemplateVersion
from .rules.hints import Hint, hints
from .rules.screening import Hit
from .rules.variables import specs_from

#: What each finding adds.  Several of a kind add up, to 100 at most.
OF_HIT = {"block": 45, "warn": 20}
OF_HINT = {"warn": 15, "info": 5}
OF_CATEGORY = {"promotion": 10}
#: Wording of an organisation that has had nothing approved in this template before.
OF_FIRST = 5

HIGH, MEDIUM = 70, 30


def risk_of(hits: Iterable[Hit], version: TemplateVersion | None) -> int:
    """The risk of a version; of a sender's name when there is no version."""
    risk = sum(OF_HIT[hit.severity] for hit in hits)
    if version is not None:
        category = version.template.category
        risk += sum(OF_HINT[hint.severity] for hint in hints_of(version)) + OF_CATEGORY.get(category, 0)
        risk += OF_FIRST if version.number == 1 else 0
    return min(risk, 100)


def hints_of(version: TemplateVersion) -> list[Hint]:
    """What stands out in a version whose template is loaded."""
    return hints(version.body, version.template.category, specs_from(version.variables))


def tone_of(risk: int) -> str:
    return "bad" if risk >= HIGH else "warn" if risk >= MEDIUM else "ok"
