"""How the carrier behaves, and what it will make of each destination: plain functions of a seed."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

#: Error codes of messages that did not arrive, and how often each is the reason.
ERROR_CODES: Mapping[str, int] = MappingProxyType({"001": 4, "011": 2, "027": 3, "034": 1})
_STATE_OF_CODE = {"034": "EXPIRED", "099": "REJECTD"}
_SIX_FRACTIONS = struct.Struct(">6I")
_A_WHOLE = 1 / 2**32


class RulesInvalid(ValueError):
    """The rules name something the carrier does not know, or give it a value it cannot use."""


def _check_number(name: str, value: Any, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise RulesInvalid(f"{name}: must be a number from {low} to {high}")


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens to messages for one destination prefix.  Shares are between 0 and 1, delays are seconds."""

    answer_delay: float = 0.0
    receipt_delay: float = 1.0
    receipt_jitter: float = 0.0
    undelivered: float = 0.0
    errors: Mapping[str, int] = field(default_factory=lambda: ERROR_CODES)
    duplicate: float = 0.0  # the final receipt is sent twice
    out_of_order: float = 0.0  # an ENROUTE receipt follows the final one
    early: float = 0.0  # the receipt is sent before the submit is answered
    no_receipt: float = 0.0
    throttled: float = 0.0
    refused: float = 0.0
    refused_status: int = 0x0B
    silent: float = 0.0  # the submit is never answered

    def __post_init__(self) -> None:
        for name in _SHARES:
            _check_number(name, getattr(self, name), 0, 1)
        for name in ("answer_delay", "receipt_delay", "receipt_jitter"):
            _check_number(name, getattr(self, name), 0, 86_400)
        _check_number("refused_status", self.refused_status, 1, 0xFFFF_FFFF)
        if not self.errors or not all(isinstance(weight, int) and weight > 0 for weight in self.errors.values()):
            raise RulesInvalid("errors: must give each code a whole weight above 0")


_SHARES = ("undelivered", "duplicate", "out_of_order", "early", "no_receipt", "throttled", "refused", "silent")


@dataclass(frozen=True)
class Rules:
    """Everything the carrier is told.  The longest matching prefix wins; the line-wide options are at the end."""

    default: Rule = Rule()
    prefixes: Mapping[str, Rule] = field(default_factory=dict)
    refuse_binds: bool = False
    silent: bool = False
    drop_after: int = 0  # submits on one line after which it is cut, the last one unanswered; 0 is never

    def rule_for(self, destination: str) -> Rule:
        for length in self._lengths:
            if rule := self.prefixes.get(destination[:length]):
                return rule
        return self.default

    @cached_property
    def _lengths(self) -> list[int]:
        return sorted({len(prefix) for prefix in self.prefixes}, reverse=True)


class Verdict(NamedTuple):
    """What becomes of a message, the same for the same seed and destination in every run."""

    state: str  # the carrier's word: DELIVRD, UNDELIV, EXPIRED, REJECTD
    error_code: str
    refused_status: int  # 0 when the submit is accepted
    silent: bool
    no_receipt: bool
    early: bool
    duplicate: bool
    out_of_order: bool
    answer_delay: float
    receipt_delay: float


def verdict(destination: str, rules: Rules, seed: int) -> Verdict:
    """Predict the carrier.  Throttling is not part of it: that also depends on the submit (`is_throttled`)."""
    destination = destination.removeprefix("+")
    rule = rules.rule_for(destination)
    arrival, reason, manner, receipt, jitter, answer = _fractions(f"{seed}:{destination}")
    is_undelivered = arrival < rule.undelivered
    error_code = _pick(rule.errors, reason) if is_undelivered else "000"
    return Verdict(
        state=_STATE_OF_CODE.get(error_code, "UNDELIV") if is_undelivered else "DELIVRD",
        error_code=error_code,
        refused_status=rule.refused_status if answer < rule.refused else 0,
        silent=rules.silent or 1 - answer <= rule.silent,
        no_receipt=receipt < rule.no_receipt,
        early=manner < rule.early,
        duplicate=1 - manner <= rule.duplicate,
        out_of_order=1 - receipt <= rule.out_of_order,
        answer_delay=rule.answer_delay,
        receipt_delay=rule.receipt_delay + rule.receipt_jitter * jitter,
    )


def is_throttled(destination: str, reference: object, rules: Rules, seed: int) -> bool:
    """Whether this very submit is turned away; the next try of the same message carries another reference."""
    destination = destination.removeprefix("+")
    share = rules.rule_for(destination).throttled
    return share > 0 and _fractions(f"throttle:{seed}:{destination}:{reference}")[0] < share


def _fractions(key: str) -> tuple[float, ...]:
    digest = hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=24).digest()
    return tuple([number * _A_WHOLE for number in _SIX_FRACTIONS.unpack(digest)])


def _pick(weights: Mapping[str, int], fraction: float) -> str:
    at = fraction * sum(weights.values())
    for code, weight in weights.items():
        at -= weight
        if at < 0:
            return code
    return next(iter(weights))


#: Numbers a person may type into the demo.  All are valid mobile numbers; `docs/demo-carrier.md` lists them.
DEMO_PREFIX = "861700000"
DEMO_DEFAULT = Rule(receipt_delay=0.8, receipt_jitter=0.6, undelivered=0.03)
DEMO_RULES = Rules(
    default=DEMO_DEFAULT,
    prefixes={
        f"{DEMO_PREFIX}0": Rule(receipt_delay=0.2),
        f"{DEMO_PREFIX}1": Rule(receipt_delay=0.2, undelivered=1, errors={"001": 1}),
        f"{DEMO_PREFIX}2": Rule(receipt_delay=30),
        f"{DEMO_PREFIX}3": Rule(duplicate=1),
        f"{DEMO_PREFIX}4": Rule(out_of_order=1),
        f"{DEMO_PREFIX}5": Rule(early=1),
        f"{DEMO_PREFIX}6": Rule(throttled=0.5),
        f"{DEMO_PREFIX}7": Rule(silent=1),
        f"{DEMO_PREFIX}8": Rule(refused=1),
        f"{DEMO_PREFIX}9": Rule(no_receipt=1),
    },
)


def load_rules(path: Path) -> Rules:
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RulesInvalid(f"{path}: {error}") from error
    return rules_from(values)


def rules_from(values: Any) -> Rules:
    """Read rules from JSON.  What a prefix does not say, the default says; RulesInvalid names what is wrong."""
    values = _mapping("rules", values)
    _refuse_unknown(values, Rules)
    default = _rule("default", values.get("default", {}), DEMO_DEFAULT)
    prefixes = {
        prefix.removeprefix("+"): _rule(prefix, given, default)
        for prefix, given in _mapping("prefixes", values.get("prefixes", {})).items()
    }
    for name in ("refuse_binds", "silent"):
        if not isinstance(values.get(name, False), bool):
            raise RulesInvalid(f"{name}: must be true or false")
    _check_number("drop_after", values.get("drop_after", 0), 0, 10**9)
    return Rules(
        default=default,
        prefixes=prefixes,
        refuse_binds=values.get("refuse_binds", False),
        silent=values.get("silent", False),
        drop_after=int(values.get("drop_after", 0)),
    )


def _rule(name: str, given: Any, default: Rule) -> Rule:
    given = _mapping(name, given)
    _refuse_unknown(given, Rule)
    if "errors" in given:
        _mapping("errors", given["errors"])
    try:
        return replace(default, **given)
    except RulesInvalid as error:
        raise RulesInvalid(f"{name}: {error}") from None


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise RulesInvalid(f"{name}: must be an object")
    return value


def _refuse_unknown(values: Mapping[str, Any], kind: type) -> None:
    if unknown := sorted(set(values) - {known.name for known in fields(kind)}):
        raise RulesInvalid(f"{', '.join(unknown)}: no such rule")
