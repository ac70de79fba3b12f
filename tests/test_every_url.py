"""Promise 8 at every address: a stranger's id is answered like an id that does not exist, also with either wall taken out."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest
from django.db.models import Q
from django.db.models.query import QuerySet
from django.urls import get_resolver, reverse
from django.urls.resolvers import URLPattern, URLResolver

from accounts.models import Organisation
from accounts.tests.factories import make_api_key, signed_in
from kit import tenancy
from kit.ids import uuid7
from kit.tenancy import scope as scopes
from messaging.engine.tests.factories import World, make_world

from .url_expectations import EXPECTATIONS, GIVEN, THINGS, Free, Given, House, Own

#: What a page or an API view may answer to.  (A form's PUT is its POST.)
METHODS = {"console": ("GET", "POST"), "api": ("GET", "POST", "PUT", "PATCH", "DELETE")}


def addresses(patterns=None, namespaces: tuple[str, ...] = ()) -> Iterator[tuple[str, URLPattern]]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            inner = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from addresses(pattern.url_patterns, inner)
        else:
            yield ":".join((*namespaces, pattern.name or str(pattern.pattern))), pattern


@cache
def parameters() -> dict[str, list[str]]:
    """Name of each address that carries something, to the names of what it carries."""
    return {name: found for name, pattern in addresses() if (found := list(pattern.pattern.regex.groupindex))}


GUARDED = sorted(name for name, expectation in EXPECTATIONS.items() if not isinstance(expectation, Free))


def test_every_address_with_an_id_says_whose_it_is():
    unexplained = sorted(set(parameters()) - set(EXPECTATIONS))
    assert not unexplained, (
        f"New addresses {unexplained}: say in tests/url_expectations.py whose things their ids name,"
        ' such as "room:name": Own(id="thing")'
    )


def test_every_expectation_is_about_an_address():
    assert not sorted(set(EXPECTATIONS) - set(parameters())), "no longer there: take them off the list"


@pytest.mark.parametrize("name", GUARDED)
def test_an_expectation_names_what_its_address_carries(name):
    expectation = EXPECTATIONS[name]

    assert sorted(expectation.things) == sorted(parameters().get(name, expectation.things))
    assert set(expectation.things.values()) <= set(THINGS), "say in THINGS how one is made"


# --- the walls, and how each is taken out


def without_queries(patch) -> None:
    """Wall 1 is gone: no query is narrowed to an organisation."""
    narrow = QuerySet._filter_or_exclude

    def wide(self, negate, args, kwargs):
        return narrow(self, negate, [widened(one) for one in args], {k: v for k, v in kwargs.items() if not narrows(k)})

    patch.setattr(QuerySet, "_filter_or_exclude", wide)


def narrows(lookup: str) -> bool:
    return bool(re.match(r"(\w+__)?(organisation(_id)?(__\w+)?|path__below)$", lookup))


def widened(condition):
    if not isinstance(condition, Q):
        return condition
    kept = condition.copy()
    kept.children = [
        widened(child) if isinstance(child, Q) else child
        for child in condition.children
        if isinstance(child, Q) or not isinstance(child, tuple) or not narrows(child[0])
    ]
    return kept


def without_policies(patch) -> None:
    """Wall 2 is gone: the web works under the engine's role, which sees every row."""
    apply = scopes._apply
    patch.setattr(scopes, "_apply", lambda scope: apply(replace(scope, role=tenancy.ENGINE_ROLE)))
    patch.setattr(tenancy, "WEB_ROLE", tenancy.ENGINE_ROLE)


def without_any(patch) -> None:
    without_queries(patch)
    without_policies(patch)


def with_both_walls(patch) -> None:
    """The house as it is."""


# --- the knock


class Entrance:
    """One signed-in browser and one key for each organisation that asks: all its doors are tried with them."""

    def __init__(self) -> None:
        self.client = cache(signed_in)
        self.secret = cache(lambda organisation: make_api_key(organisation)[1])

    def headers(self, name: str, organisation: Organisation) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret(organisation)}"} if name.startswith("api:") else {}


@pytest.mark.django_db
@pytest.mark.parametrize("walls", [with_both_walls, without_queries, without_policies])
def test_a_strangers_id_is_answered_like_one_that_does_not_exist(walls, monkeypatch):
    ours, theirs = make_world(), make_world()
    entrance = Entrance()
    doors = {name: (asker(name, ours, entrance), ids(name, theirs)) for name in GUARDED}

    with monkeypatch.context() as patch:
        walls(patch)
        told = {name: tale for name, (ask, strangers) in doors.items() if (tale := tales(name, ask, strangers))}

    assert not told


def tales(name: str, ask, strangers: dict) -> list[str]:
    """What the answers give away about somebody else's thing; nothing when all is well."""
    missing = {key: uuid7() for key in strangers}
    found, statuses = [], set()
    for method in METHODS["api" if name.startswith("api:") else "console"]:
        answer, expected = ask(method, strangers), ask(method, missing)
        statuses.add(answer.status_code)
        if answer.status_code not in (404, 405) or answer.status_code != expected.status_code:
            found.append(f"{method}: {answer.status_code} for a stranger's, {expected.status_code} for a missing one")
        elif plain(answer, strangers) != plain(expected, missing):
            found.append(f"{method}: another text for a stranger's than for a missing one")
    return found if 404 in statuses else [*found, "405 for every method: nothing was tried"]


@pytest.mark.django_db
def test_ones_own_id_is_found():
    """The control: the knock is heard at the right door."""
    ours = make_world()

    entrance, deaf = Entrance(), []
    for name in GUARDED:
        ask, own = asker(name, ours, entrance, as_owner=True), ids(name, ours)
        if {ask(method, own).status_code for method in ("GET", "POST")} <= {404, 405}:
            deaf.append(name)

    assert not deaf, "not even their owner finds these: is the expectation right?"


@pytest.mark.django_db
def test_with_both_walls_taken_out_strangers_are_let_in(monkeypatch):
    """The sabotage twin: it is the walls, not the knock, that keep strangers out."""
    ours, theirs = make_world(), make_world()
    own = [name for name in GUARDED if isinstance(EXPECTATIONS[name], Own)]
    entrance = Entrance()
    doors = {name: (asker(name, ours, entrance), ids(name, theirs)) for name in own}

    with monkeypatch.context() as patch:
        without_any(patch)
        let_in = {name for name, (ask, strangers) in doors.items() if ask("GET", strangers).status_code == 200}

    assert {"accounts:member", "accounts:api_key_revoke", "messaging:template", "billing:purchase"} <= let_in


@pytest.mark.django_db
@pytest.mark.parametrize("walls", [with_both_walls, without_queries, without_policies])
def test_a_strangers_id_in_a_form_or_body_is_answered_like_one_that_does_not_exist(walls, monkeypatch):
    ours, theirs = make_world(), make_world()
    entrance = Entrance()
    doors = {
        f"{given.address} {given.field}={given.thing}": (sender(given, ours, entrance), THINGS[given.thing](theirs))
        for given in GIVEN
    }

    told = {}
    with monkeypatch.context() as patch:
        walls(patch)
        for name, (send, stranger) in doors.items():
            missing = uuid7()
            answer, expected = send(stranger), send(missing)
            if answer.status_code in (201, 202, 302, 303, 500) or answer.status_code != expected.status_code:
                told[name] = f"{answer.status_code} for a stranger's, {expected.status_code} for a missing one"
            elif plain(answer, {"": stranger}) != plain(expected, {"": missing}):
                told[name] = "another text for a stranger's than for a missing one"

    assert not told


@pytest.mark.django_db
def test_ones_own_id_in_a_form_or_body_is_taken():
    """The control: the form or body is otherwise as it should be."""
    ours = make_world()

    entrance, refused = Entrance(), {}
    for given in GIVEN:
        answer = sender(given, ours, entrance)(THINGS[given.thing](ours))
        if answer.status_code not in (201, 202, 302):
            refused[f"{given.address} {given.field}={given.thing}"] = answer.content.decode()

    assert not refused


def sender(given: Given, world: World, entrance: Entrance):
    """Posts the body with one id put into its field."""
    organisation = getattr(world, given.actor)
    path = reverse(given.address, kwargs={key: THINGS[thing](world) for key, thing in given.own.items()})
    rest = {
        key: str(THINGS[value](world)) if isinstance(value, str) and value in THINGS else value
        for key, value in given.rest.items()
    }
    client = signed_in(organisation)
    client.raise_request_exception = False
    if not given.address.startswith("api:"):
        return lambda id: client.post(path, {**rest, given.field: str(id)})
    headers = {"Authorization": f"Bearer {make_api_key(organisation)[1]}"}
    return lambda id: client.post(
        path, {**rest, given.field: str(id)}, content_type="application/json", headers=headers
    )


def ids(name: str, world: World) -> dict:
    return {key: THINGS[thing](world) for key, thing in EXPECTATIONS[name].things.items()}


def asker(name: str, world: World, entrance: Entrance, *, as_owner: bool = False):
    """Asks at the address as the one its expectation names: by session, under /api/ by key."""
    expectation = EXPECTATIONS[name]
    if isinstance(expectation, House):
        organisation = world.operator if as_owner else world.customer
    else:
        organisation = getattr(world, expectation.actor)
    client, headers = entrance.client(organisation), entrance.headers(name, organisation)
    client.raise_request_exception = False

    def ask(method: str, given: dict):
        return client.generic(method, reverse(name, kwargs=given), headers=headers)

    return ask


def plain(answer, given: dict) -> str:
    """The answer without what differs each time: the id asked for, tokens, request ids."""
    text = answer.content.decode()
    for value in given.values():
        text = text.replace(str(value), "ID")
    return re.sub(r'((csrf(middlewaretoken)?|token)"( value| content)?="|nonce="|mono">)[\w-]+', r"\1", text)
