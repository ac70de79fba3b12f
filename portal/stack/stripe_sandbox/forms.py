"""Reading what a client sent: Stripe's bracketed form encoding, and single parameters with their limits."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .errors import StripeError, invalid, missing, required

MOST_FIELDS = 1_000
DEEPEST = 6
KEY = re.compile(r"[^\[\]]+(\[[^\[\]]*\])*")
POSITION = re.compile(r"[0-9]{1,6}")
CONTROLS = re.compile(r"[\x00-\x20\x7f]")


def decode(raw: bytes) -> dict[str, Any]:
    """`a[b]=1&c[0][d]=2` as `{"a": {"b": "1"}, "c": [{"d": "2"}]}`.  Raises StripeError on what is no such form."""
    try:
        pairs = parse_qsl(raw.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError as problem:
        raise StripeError("The request body is not a form we can read.") from problem
    tree: dict[str, Any] = {}
    for key, value in pairs:
        _plant(tree, key, value)
    return {name: value if name == "metadata" else _with_lists(value) for name, value in tree.items()}


def _plant(tree: dict[str, Any], key: str, value: str) -> None:
    if not KEY.fullmatch(key) or key.count("[") > DEEPEST or "\x00" in key + value:
        raise StripeError(f"Invalid parameter: {key[:60]!r}")
    *path, last = key.replace("]", "").split("[")
    branch = tree
    for step in path:
        branch = branch.setdefault(step or str(len(branch)), {})
        if not isinstance(branch, dict):
            raise StripeError(f"Invalid parameter: {key[:60]!r}")
    if isinstance(branch.get(last), dict):
        raise StripeError(f"Invalid parameter: {key[:60]!r}")
    branch[last or str(len(branch))] = value


def _with_lists(value: Any) -> Any:
    """Dictionaries whose keys are all positions become lists; metadata keeps whatever keys it has."""
    if not isinstance(value, dict):
        return value
    if value and all(POSITION.fullmatch(key) for key in value):
        return [_with_lists(value[key]) for key in sorted(value, key=int)]
    return {key: child if key == "metadata" else _with_lists(child) for key, child in value.items()}


def text(params: Mapping[str, Any], name: str, *, longest: int = 5_000) -> str | None:
    """An optional string; an empty one counts as absent, as Stripe has it."""
    value = params.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise invalid(f"Invalid string: {name}", name)
    if len(value) > longest:
        raise invalid(f"Invalid string: must be at most {longest} characters", name)
    return value


def needed(params: Mapping[str, Any], name: str) -> str:
    """A string that must be there."""
    value = text(params, name)
    if value is None:
        raise required(name)
    return value


def identifier(params: Mapping[str, Any], name: str, kind: str) -> str | None:
    """An optional object id, safe to build a path from."""
    value = text(params, name)
    if value is not None and not re.fullmatch(r"[A-Za-z0-9_]{1,255}", value):
        raise missing(kind, value[:60], param=name)
    return value


def integer(params: Mapping[str, Any], name: str, *, default: int | None = None, least: int = 0) -> int | None:
    """An optional whole number of at least `least`."""
    value = text(params, name, longest=20)
    if value is None:
        return default
    if not re.fullmatch(r"-?[0-9]{1,12}", value):
        raise invalid(f"Invalid integer: {value}", name, code="parameter_invalid_integer")
    if int(value) < least:
        raise invalid(f"This value must be greater than or equal to {least}.", name, code="parameter_invalid_integer")
    return int(value)


def mapping(params: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An optional object."""
    value = params.get(name) or {}
    if not isinstance(value, dict):
        raise invalid("Invalid object", name)
    return value


def metadata(params: Mapping[str, Any]) -> dict[str, str]:
    """The caller's own notes within Stripe's limits: 50 keys of 40 characters, values of 500."""
    notes = mapping(params, "metadata")
    if len(notes) > 50:
        raise invalid("Metadata can have at most 50 keys.", "metadata")
    for key, value in notes.items():
        if len(key) > 40:
            raise invalid("Metadata keys can have up to 40 characters.", "metadata")
        if not isinstance(value, str) or len(value) > 500:
            raise invalid("Metadata values can have up to 500 characters.", f"metadata[{key}]")
    return notes


def web_address(params: Mapping[str, Any], name: str) -> str | None:
    """An optional absolute http(s) URL that is safe to put into a Location header and a link."""
    value = text(params, name)
    if value is None:
        return None
    try:
        parts = urlsplit(value)
    except ValueError as problem:
        raise invalid("Not a valid URL", name, code="url_invalid") from problem
    if parts.scheme not in ("http", "https") or not parts.hostname or CONTROLS.search(value):
        raise invalid("Not a valid URL", name, code="url_invalid")
    return value
