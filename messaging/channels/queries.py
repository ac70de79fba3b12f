from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import Organisation
from kit.errors import NotFound

from .errors import NoRoute
from .models import Channel, Route

Destination = tuple[str, str]


def routes_for(destinations: Iterable[Destination], *, is_test: bool) -> dict[Destination, UUID]:
    """The channel for each (country, category): lowest priority first, an exact match before a general one.

    Raises NoRoute naming the first destination that no channel serves.
    """
    routes = list(Route.objects.filter(is_test=is_test).order_by("priority", "id"))
    return {destination: _best(routes, *destination) for destination in destinations}


def _best(routes: list[Route], country: str, category: str) -> UUID:
    fitting = [route for route in routes if route.country in ("", country) and route.category in ("", category)]
    if not fitting:
        raise NoRoute(country=country, category=category)
    return min(fitting, key=lambda route: (route.priority, not route.country, not route.category)).channel_id


def channels_of(organisation: Organisation) -> QuerySet[Channel]:
    """The operator's channels with what their workers last said."""
    return Channel.objects.filter(organisation=organisation).prefetch_related("binds", "routes").order_by("name")


def channel_of(organisation: Organisation, id: UUID) -> Channel:
    """One of the operator's channels.  Raises NotFound."""
    channel = channels_of(organisation).filter(pk=id).select_related("organisation").first()
    if channel is None:
        raise NotFound
    return channel


def route_of(channel: Channel, id: UUID) -> Route:
    """One line that leads to the channel.  Raises NotFound."""
    route = Route.objects.filter(channel=channel, pk=id).select_related("channel", "organisation").first()
    if route is None:
        raise NotFound
    return route
