"""Lists as Stripe gives them: newest first, in pages, with cursors."""

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from .errors import invalid, missing
from .forms import integer, mapping, text
from .store import Entry, Store

RANGES: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda created, edge: created > edge,
    "gte": lambda created, edge: created >= edge,
    "lt": lambda created, edge: created < edge,
    "lte": lambda created, edge: created <= edge,
}


def page_of(
    store: Store, object: str, *, url: str, params: Mapping[str, Any], fits: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """One page of the objects that fit, as Stripe's `list` object.  Understands limit, cursors and `created`."""
    limit = integer(params, "limit", default=10, least=1)
    if limit > 100:
        raise invalid("Invalid integer: limit must be at most 100", "limit", code="parameter_invalid_integer")
    in_range = created_filter(params)
    ending_before = text(params, "ending_before")
    entries = _entries(store, object, params, ending_before)
    found = list(islice((e.body for e in entries if in_range(e.body) and fits(e.body)), limit + 1))
    shown = found[:limit]
    return {
        "object": "list",
        "url": url,
        "has_more": len(found) > limit,
        "data": shown[::-1] if ending_before else shown,
    }


def _entries(store: Store, object: str, params: Mapping[str, Any], ending_before: str | None) -> Iterable[Entry]:
    if ending_before:
        return store.oldest_first(object, after=_position(store, object, ending_before, "ending_before"))
    cursor = text(params, "starting_after")
    return store.newest_first(object, before=_position(store, object, cursor, "starting_after") if cursor else None)


def _position(store: Store, object: str, id: str, param: str) -> int:
    entry = store.find(object, id)
    if entry is None:
        raise missing(object, id, param=param)
    return entry.position


def created_filter(params: Mapping[str, Any]) -> Callable[[dict[str, Any]], bool]:
    """`created=N` or `created[gte]=N&created[lt]=M` as a test of one object."""
    if isinstance(params.get("created"), str):
        exact = integer(params, "created")
        return lambda body: body["created"] == exact
    wanted = mapping(params, "created")
    for word in wanted:
        if word not in RANGES:
            raise invalid(f"Received unknown parameter: created[{word}]", f"created[{word}]", code="parameter_unknown")
    edges = [(RANGES[word], integer(wanted, word)) for word in wanted]
    return lambda body: all(holds(body["created"], edge) for holds, edge in edges)
