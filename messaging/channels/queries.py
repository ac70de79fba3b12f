from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import Organisation
from kit.queries import one_of
from kit.sql import planned_once

from .errors import NoRoute
from .models import Channel, Route

Destination = tuple[str, str]


def routes_for(destinations: Iterable[Destination], *, is_test: bool) -> dict[Destination, UUID]:
    """The channel for each (country, category): lowest priority first, an exact match before a general one.

    A channel whose carrier is in trouble is passed over while another serves the destination.
    Raises NoRoute naming the first destination that no channel serves.
    """
    routes = [Way(*row) for row in planned_once(_WAYS, {"is_test": is_test}, size=1)]
    return {destination: _best(routes, *destination) for destination in destinations}


class Way(NamedTuple):
    """A route as a message chooses among them."""

    country: str
    category: str
    channel_id: UUID
    priority: int
    is_avoided: bool


# By hand, because every request to send comes this way and the ORM's own work is ten times the database's.
_WAYS = """
SELECT r.country, r.category, r.channel_id, r.priority, EXISTS (
    SELECT FROM channels_breaker b WHERE b.channel_id = r.channel_id AND b.retry_at > statement_timestamp()
) FROM channels_route r WHERE r.is_test = %(is_test)s ORDER BY r.priority, r.id
"""


def _best(routes: list[Way], country: str, category: str) -> UUID:
    fitting = [route for route in routes if route.country in ("", country) and route.category in ("", category)]
    if not fitting:
        raise NoRoute(country=country, category=category)
    return min([route for route in fitting if not route.is_avoided] or fitting, key=_rank).channel_id


def _rank(route: Route | Way) -> tuple[int, bool, bool]:
    return route.priority, not route.country, not route.category


def other_routes(channel_id: UUID) -> list[Route]:
    """The live routes by channels that are well, other than this one, the first to be taken first.

    Runs under the engine.
    """
    routes = Route.objects.filter(is_test=False, channel__is_active=True, channel__breaker=None)
    return sorted(routes.exclude(channel_id=channel_id).order_by("priority", "id"), key=_rank)


def channels_of(organisation: Organisation) -> QuerySet[Channel]:
    """The operator's channels with what their workers last said."""
    return (
        Channel.objects.filter(organisation=organisation)
        .select_related("breaker")
        .prefetch_related("binds", "routes")
        .order_by("name")
    )


def channel_of(organisation: Organisation, id: UUID) -> Channel:
    """One of the operator's channels.  Raises NotFound."""
    return one_of(channels_of(organisation).select_related("organisation", "breaker"), pk=id)


def route_of(channel: Channel, id: UUID) -> Route:
    """One line that leads to the channel.  Raises NotFound."""
    return one_of(Route.objects.select_related("channel", "organisation"), channel=channel, pk=id)
