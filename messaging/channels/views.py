"""The operator's connections to carriers: how each stands, its settings, its routes, a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import FormView, TemplateView, View

from accounts.rules.permissions import Permission
from accounts.views_support import OrganisationMixin
from kit.htmx import FragmentMixin
from messaging.recipients.rules.numbers import Number, parse_number

from . import actions
from .errors import ChannelSettingsInvalid
from .forms import ChannelForm, RouteForm, TestForm, type_choices
from .health import ChannelHealth, health, health_of
from .models import Channel
from .queries import channel_of, route_of
from .tables import ChannelTable, RouteTable
from .types.base import CHANNEL_TYPES, known_types
from .upstairs import ChannelTraffic, send_test, traffic_by_channel

#: What a person looks for beside a channel; its timing is on the settings page.
SHOWN_SETTINGS = (
    "host", "port", "system_id", "password", "bind", "tls", "source_address", "window", "rate_per_second",
)  # fmt: skip
LAST_DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Line:
    """A channel's health beside its traffic."""

    health: ChannelHealth
    traffic: ChannelTraffic


class ChannelsView(OrganisationMixin, FragmentMixin, TemplateView):
    permission = Permission.VIEW_CHANNELS
    template_name = "channels/channels.html"
    fragment_template_name = "channels/_channels.html"

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        traffic = traffic_now(self.organisation)
        lines = [
            Line(health, traffic.get(health.channel.pk, ChannelTraffic())) for health in health_of(self.organisation)
        ]
        return super().get_context_data(table=ChannelTable(lines), types=type_choices(), now=timezone.now(), **kwargs)


def traffic_now(operator) -> dict[UUID, ChannelTraffic]:
    """What went by each channel for all customers: counted in the scope that reaches them."""
    with operator.downline_scope():
        return traffic_by_channel(timezone.now() - LAST_DAY)


class OneChannelMixin(OrganisationMixin):
    """A page of one channel of the operator's."""

    permission = Permission.MANAGE_CHANNELS

    def setup(self, request: HttpRequest, *args, **kwargs) -> None:
        super().setup(request, *args, **kwargs)
        self.id: UUID = kwargs["id"]

    @property
    def channel(self) -> Channel:
        return channel_of(self.organisation, self.id)

    def back(self) -> HttpResponse:
        return redirect("messaging:channel", id=self.id)


class ChannelView(OneChannelMixin, FragmentMixin, TemplateView):
    """How the channel stands, bind by bind, and where it leads."""

    permission = Permission.VIEW_CHANNELS
    template_name = "channels/channel.html"
    fragment_template_name = "channels/_state.html"

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        channel = self.channel
        can_change = self.may(Permission.MANAGE_CHANNELS)
        traffic = traffic_now(self.organisation).get(channel.pk, ChannelTraffic())
        routes = channel.routes.order_by("is_test", "priority", "country")
        return super().get_context_data(
            channel=channel,
            type_name=channel.type_name,
            line=Line(health(channel), traffic),
            settings=shown_settings(channel),
            routes=RouteTable(routes, can_change=can_change),
            route_form=RouteForm(),
            test_form=TestForm(),
            **kwargs,
        )


def shown_settings(channel: Channel) -> list[tuple[Any, Any]]:
    """What the channel was told; secrets only as being there."""
    form = ChannelForm(type=channel.type, channel=channel)
    secrets = {field.name for field in form.own if field.metadata.get("secret")}
    rows = []
    for name in SHOWN_SETTINGS:
        if (field := form.fields.get(name)) is None:
            continue
        value = "••••••••" if name in secrets else form.initial.get(name, field.initial)
        rows.append((field.label, readable(dict(getattr(field, "choices", ())).get(value, value))))
    return rows


def readable(value: Any) -> Any:
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    return "—" if value in (None, "") else value


@contextmanager
def blaming(form: ChannelForm) -> Iterator[None]:
    """One transaction; what refuses it stands at its field of the form."""
    try:
        with transaction.atomic():
            yield
    except ChannelSettingsInvalid as refusal:
        form.blame(refusal.details["fields"])
    except IntegrityError:
        form.add_error("name", _("There is a channel with this name."))


class NewChannelView(OrganisationMixin, FormView):
    permission = Permission.MANAGE_CHANNELS
    template_name = "channels/settings.html"
    form_class = ChannelForm

    def dispatch(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if kwargs["type"] not in known_types(CHANNEL_TYPES):
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"type": self.kwargs["type"]}

    def form_valid(self, form: ChannelForm) -> HttpResponse:
        given = form.cleaned_data
        with blaming(form):
            channel = actions.create_channel(
                organisation=self.organisation, name=given["name"], type=self.kwargs["type"], config=form.config,
                window=given["window"], rate_per_second=given["rate_per_second"],
            )  # fmt: skip
        if form.errors:
            return self.form_invalid(form)
        messages.success(self.request, _("The channel is there. Give it a route, or it carries nothing."))
        return redirect("messaging:channel", id=channel.pk)


class ChannelSettingsView(OneChannelMixin, FormView):
    template_name = "channels/settings.html"
    form_class = ChannelForm

    def get_form_kwargs(self) -> dict[str, Any]:
        channel = self.channel
        return super().get_form_kwargs() | {"type": channel.type, "channel": channel}

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        return super().get_context_data(channel=self.channel, **kwargs)

    def form_valid(self, form: ChannelForm) -> HttpResponse:
        given = form.cleaned_data
        with blaming(form):
            actions.update_channel(
                channel=form.channel, name=given["name"], config=form.config, window=given["window"],
                rate_per_second=given["rate_per_second"],
            )  # fmt: skip
        if form.errors:
            return self.form_invalid(form)
        messages.success(self.request, _("Saved. Workers open the line anew within seconds."))
        return self.back()


class SwitchChannelView(OneChannelMixin, View):
    """Pause or resume."""

    def post(self, request: HttpRequest, id: UUID) -> HttpResponse:
        is_active = request.POST.get("active") == "1"
        actions.set_channel_active(channel=self.channel, is_active=is_active)
        said = (
            _("Resumed. Workers bind within seconds.") if is_active else _("Paused. What is on the wire is finished.")
        )
        messages.success(request, said)
        return self.back()


class AddRouteView(OneChannelMixin, View):
    def post(self, request: HttpRequest, id: UUID) -> HttpResponse:
        form = RouteForm(request.POST)
        if form.is_valid():
            actions.add_route(channel=self.channel, **form.cleaned_data)
            messages.success(request, _("The route is in use from now on."))
        else:
            messages.error(request, " ".join(problem for problems in form.errors.values() for problem in problems))
        return self.back()


class RemoveRouteView(OneChannelMixin, View):
    def post(self, request: HttpRequest, id: UUID, route_id: UUID) -> HttpResponse:
        actions.remove_route(route=route_of(self.channel, route_id))
        messages.success(request, _("The route is gone. Messages that are queued keep their channel."))
        return self.back()


class TestChannelView(OneChannelMixin, View):
    """One message by this channel, whatever the routes say, to a number of the operator's choice."""

    def post(self, request: HttpRequest, id: UUID) -> HttpResponse:
        form = TestForm(request.POST)
        typed = form.cleaned_data["recipient"] if form.is_valid() else ""
        number = parse_number(typed, default_region=self.organisation.country)
        if not isinstance(number, Number):
            messages.error(request, _("This is not a mobile number a message can be sent to."))
            return self.back()
        channel = self.channel
        text = _("%(channel)s: this is a test of the connection.") % {"channel": channel.name}
        message_id = send_test(channel=channel, recipient=number, text=text, by=request.user)
        return redirect("messaging:message", id=message_id)
