"""Scopes: a transaction that carries a database role and a tenant, both gone when it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from uuid import UUID

from django.db import connection, transaction

from kit import pulse

WEB_ROLE, ENGINE_ROLE = "signalbox_web", "signalbox_engine"


@dataclass(frozen=True, slots=True)
class Scope:
    """What the row-level policies read.  `reach`: "own", "below" (the subtree) or "above" (the ancestors)."""

    role: str = WEB_ROLE
    organisation: UUID | None = None
    path: str = ""
    reach: str = "own"
    user: UUID | None = None
    memberships: tuple[UUID, ...] = ()
    presented: str = ""  # fingerprint of a key or token somebody presented: opens just the row that stores it

    def settings(self) -> tuple[str, ...]:
        return (
            str(self.organisation or ""),
            self.path,
            self.reach,
            str(self.user or ""),
            "{" + ",".join(map(str, self.memberships)) + "}",
            self.presented,
        )


APPLY = (
    "SELECT current_setting('role'), set_config('role', %s, true), set_config('app.organisation', %s, true),"
    " set_config('app.path', %s, true), set_config('app.reach', %s, true), set_config('app.user', %s, true),"
    " set_config('app.memberships', %s, true), set_config('app.presented', %s, true)"
)
_NOBODY = Scope(reach="")


def current_scope() -> Scope | None:
    """The scope this thread's connection is in, if any."""
    return getattr(connection, "tenancy_scope", None) if connection.in_atomic_block else None


@contextmanager
def enter(scope: Scope) -> Iterator[Scope]:
    """Run the block in one transaction (or savepoint) under `scope`; the outer scope is back afterwards."""
    outer = current_scope()
    if outer == scope:
        yield scope
        return
    nested = connection.in_atomic_block
    with transaction.atomic():
        role_before = _apply(scope)
        connection.tenancy_scope = scope
        try:
            yield scope
        finally:
            connection.tenancy_scope = outer
        if nested and not connection.needs_rollback:  # after an error the savepoint itself puts the settings back
            _apply(replace(outer or _NOBODY, role=role_before))
    if not nested:
        pulse.note_commit()


@contextmanager
def undecided() -> Iterator[None]:
    """One transaction that `adopt` may put under a scope; afterwards all is as it was.

    Costs no round trip outside a transaction.
    """
    outer, nested = current_scope(), connection.in_atomic_block
    with transaction.atomic():
        role_before = _current_role() if nested else ""
        try:
            yield
        finally:
            connection.tenancy_scope = outer
        if nested and not connection.needs_rollback:
            _apply(replace(outer or _NOBODY, role=role_before))


def adopt(scope: Scope) -> None:
    """Note that SQL of the caller's own has put the open transaction under this scope."""
    if not connection.in_atomic_block:
        raise RuntimeError("a scope lasts as long as its transaction: begin one first")
    connection.tenancy_scope = scope


def _current_role() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('role')")
        return cursor.fetchone()[0]


def _apply(scope: Scope) -> str:
    with connection.cursor() as cursor:
        cursor.execute(APPLY, (scope.role, *scope.settings()))
        return cursor.fetchone()[0]


def as_organisation(organisation: UUID, *, path: str, user: UUID | None = None, memberships: tuple[UUID, ...] = ()):
    """See and change one organisation's rows.  Inside that organisation's own scope already: nothing to do."""
    outer = current_scope()
    wanted = Scope(organisation=organisation, path=path, user=user, memberships=memberships)
    already = (
        outer is not None
        and wanted == replace(outer, user=user, memberships=memberships)
        and user in (None, outer.user)
        and set(memberships) <= set(outer.memberships)
    )
    return enter(outer if already else wanted)


def with_downline(organisation: UUID, *, path: str, user: UUID | None = None):
    """See and change the rows of an organisation and of everything below it."""
    return _reach("below", organisation, path, user)


def with_upline(organisation: UUID, *, path: str):
    """See an organisation's own rows, and what its ancestors publish downwards (price books)."""
    return _reach("above", organisation, path, None)


def as_visitor(*, user: UUID | None = None, memberships: tuple[UUID, ...] = (), presented: str = ""):
    """No organisation yet: a person sees their own memberships, a key or token the row that stores it."""
    return enter(Scope(user=user, memberships=memberships, presented=presented))


def as_engine():
    """Work across tenants.  Refused by the database to logins that are not workers."""
    return enter(Scope(role=ENGINE_ROLE))


def _reach(reach: str, organisation: UUID, path: str, user: UUID | None):
    outer = current_scope()
    same = outer is not None and outer.organisation == organisation
    return enter(
        Scope(
            organisation=organisation,
            path=path,
            reach=reach,
            user=user or (outer.user if same else None),
            memberships=outer.memberships if same else (),
        )
    )
