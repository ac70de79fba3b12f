"""Every write of the channels room.  Runs in the operator's scope."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import Organisation
from kit.sealing import seal, unseal

from .errors import ChannelSettingsInvalid
from .models import DEFAULT_WINDOW, Channel, Route
from .types.base import ConfigInvalid, channel_type

#: Settings every type has, kept in columns of their own.
_COLUMNS = ("window", "rate_per_second")


@transaction.atomic
def create_channel(
    *, organisation: Organisation, name: str, type: str, config: Mapping[str, Any], window: int = DEFAULT_WINDOW,
    rate_per_second: int | None = None,
) -> Channel:  # fmt: skip
    """Configure a connection to a carrier.  Secrets are sealed and never shown again.

    Raises ChannelSettingsInvalid naming each setting that can't be used; nothing is stored then.
    """
    plain, secrets = _sort_out(type, config, window, rate_per_second)
    channel = Channel.objects.create(
        organisation=organisation,
        name=name,
        type=type,
        config=plain,
        sealed_secrets=seal(json.dumps(secrets)),
        window=window,
        rate_per_second=rate_per_second,
    )
    audit.record(action="channel.created", target=channel, organisation=organisation, after={"name": name, **plain})
    return channel


@transaction.atomic
def update_channel(
    *, channel: Channel, name: str, config: Mapping[str, Any], window: int, rate_per_second: int | None
) -> Channel:
    """Change a connection.  A secret that is left empty stays as it is.  Workers open the line anew within seconds."""
    kept = json.loads(unseal(channel.sealed_secrets)) if channel.sealed_secrets else {}
    given = {key: value for key, value in config.items() if value not in (None, "")}
    plain, secrets = _sort_out(channel.type, {**kept, **given}, window, rate_per_second)
    before = {"name": channel.name, **channel.config}
    channel.name, channel.config, channel.sealed_secrets = name, plain, seal(json.dumps(secrets))
    channel.window, channel.rate_per_second = window, rate_per_second
    channel.save()
    audit.record(
        action="channel.changed", target=channel, organisation=channel.organisation, before=before,
        after={"name": name, **plain},
    )  # fmt: skip
    return channel


@transaction.atomic
def set_channel_active(*, channel: Channel, is_active: bool) -> Channel:
    """Pause or resume: a paused channel finishes what is on the wire and keeps its queue."""
    if channel.is_active != is_active:
        channel.is_active = is_active
        channel.save(update_fields=["is_active"])
        action = "channel.resumed" if is_active else "channel.paused"
        audit.record(action=action, target=channel, organisation=channel.organisation)
    return channel


@transaction.atomic
def add_route(
    *, channel: Channel, country: str = "", category: str = "", priority: int = 10, is_test: bool = False
) -> Route:
    """Let a channel carry messages to a country in a category; empty means any."""
    route = Route.objects.create(
        organisation=channel.organisation,
        channel=channel,
        country=country,
        category=category,
        priority=priority,
        is_test=is_test,
    )
    after = {"country": country, "category": category, "priority": priority, "test": is_test}
    audit.record(action="route.added", target=channel, organisation=channel.organisation, after=after)
    return route


@transaction.atomic
def remove_route(*, route: Route) -> None:
    """Stop choosing this channel there.  Messages that are queued keep the channel they were given."""
    before = {
        "country": route.country,
        "category": route.category,
        "priority": route.priority,
        "test": route.is_test,
    }
    audit.record(action="route.removed", target=route.channel, organisation=route.organisation, before=before)
    route.delete()


def _sort_out(
    type: str, config: Mapping[str, Any], window: int, rate_per_second: int | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings and secrets apart, once the type has agreed to all of them."""
    try:
        config_class = channel_type(type).config_class
        own = {key: value for key, value in config.items() if key != "source_address"}
        config_class.from_mapping({**own, "window": window, "rate_per_second": rate_per_second})
    except KeyError:
        raise ChannelSettingsInvalid(fields={"type": f"{type} is no channel type"}) from None
    except ConfigInvalid as error:
        raise ChannelSettingsInvalid(fields=error.errors) from None
    secret_names = {field.name for field in fields(config_class) if field.metadata.get("secret")}
    plain = {key: value for key, value in config.items() if key not in secret_names | set(_COLUMNS)}
    return plain, {key: value for key, value in config.items() if key in secret_names}
