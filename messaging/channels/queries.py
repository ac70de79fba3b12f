from collections.abc import Iterable
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from accounts.models import Organisation
from kit.errors import NotFound

from .errors import NoRoute
from .models import Breaker, Channel, Route

Destination = tuple[str, str]


def routes_for(destinations: Iterable[Destination], *, is_test: bool) -> dict[Destination, UUID]:
    """The channel for each (country, category): lowest priority first, an exact match before a general one.

    A channel whose carrier is in trouble is passed over while another serves the destination.
    Raises NoRoute naming the first destination that no channel serves.
    """
    in_trouble = Breaker.objects.filter(channel_id=OuterRef("channel_id"), retry_at__gt=Now())
    routes = list(
        Route.objects.filter(is_test=is_test).annotate(is_avoided=Exists(in_trouble)).order_by("priority", "id")
    )
    return {destination: _best(routes, *destination) for destination in destinations}


def _best(routes: list[Route], country: str, category: str) -> UUID:
    fitting = [route for route in routes if route.country in ("", country) and route.category in ("", category)]
    if not fitting:
        raise NoRoute(country=country, category=category)
    return min([route for route in fitting if not route.is_avoided] or fitting, key=_rank).channel_id


def _rank(route: Route) -> tuple[int, bool, bool]:
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
    channel = channels_of(organisation).filter(pk=id).select_related("organisation", "breaker").first()
    if channel is None:
        raise NotFound
    return channel


def route_of(channel: Channel, id: UUID) -> Route:
    """One line that leads to the channel.  Raises NotFound."""
    route = Route.objects.filter(channel=channel, pk=id).select_related("channel", "organisation").first()
    if route is None:
        raise NotFound
    return route
