"""The audit trail: who did what, to what, from where.  Rows are only ever added; the database refuses the rest."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from .models import ApiKey, AuditEntry, Organisation, User


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is at work.  `id` is a person's or an API key's; None for the house itself."""

    id: UUID | None
    label: str
    address: str | None = None
    request_id: str = ""


SYSTEM = Actor(None, "system")
_current: ContextVar[Actor] = ContextVar("accounts_actor", default=SYSTEM)


def current_actor() -> Actor:
    return _current.get()


def person(user: User, *, address: str | None = None, request_id: str = "") -> Actor:
    return Actor(user.pk, user.email, address, request_id)


def machine(key: ApiKey, *, address: str | None = None, request_id: str = "") -> Actor:
    return Actor(key.pk, str(key), address, request_id)


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Everything recorded inside the block was done by `actor`."""
    token = _current.set(actor)
    try:
        yield
    finally:
        _current.reset(token)


def act(actor: Actor) -> None:
    """From here to the end of the surrounding `acting` block the actor is this one."""
    _current.set(actor)


def record(
    *,
    action: str,
    target: models.Model,
    organisation: Organisation,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Add one line to the organisation's trail, in the caller's transaction: the deed and its line, or neither."""
    actor = current_actor()
    return AuditEntry.objects.create(
        organisation=organisation,
        actor_id=actor.id,
        actor_label=actor.label[:254],
        action=action,
        target_type=target._meta.model_name,
        target_id=str(target.pk),
        before=_plain(before),
        after=_plain(after),
        address=actor.address,
        request_id=actor.request_id,
    )


def _plain(values: Mapping[str, Any] | None) -> dict:
    return json.loads(json.dumps(dict(values or {}), cls=DjangoJSONEncoder))
