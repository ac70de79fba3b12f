"""Webhooks of a world whose messages become final."""

from collections.abc import Sequence

from accounts.models import Organisation, User
from accounts.tests.factories import make_member
from messaging.engine.models import Message
from messaging.engine.settle import Change, settle
from messaging.engine.states import Status
from messaging.engine.tests.factories import World
from messaging.hooks.actions import create_endpoint
from messaging.hooks.models import WebhookEndpoint


def make_webhook(
    organisation: Organisation, url: str = "https://hooks.example.com/in", *, by: User | None = None
) -> tuple[WebhookEndpoint, str]:
    """The endpoint and its secret."""
    by = by or make_member(organisation).user
    with organisation.scope():
        return create_endpoint(organisation=organisation, url=url, by=by)


def make_final(world: World, *statuses: Status) -> list[Message]:
    """New messages of the world's customer, ended in these states."""
    accepted = world.accept(len(statuses))
    ids = [message.id for message in accepted.messages]
    settle(
        Change(id, status, "x" if status != Status.DELIVERED else "") for id, status in zip(ids, statuses, strict=True)
    )
    return in_order(ids)


def in_order(ids: Sequence) -> list[Message]:
    found = Message.objects.in_bulk(ids)
    return [found[id] for id in ids]
