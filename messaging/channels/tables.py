"""The operator's list of channels."""

import django_tables2 as tables
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .models import Route


class ChannelTable(tables.Table):
    """Rows of (health, traffic), prepared by the view."""

    name = tables.TemplateColumn(template_name="channels/_name_cell.html", verbose_name=_("Channel"), empty_values=())
    state = tables.TemplateColumn(
        template_name="channels/_state_cell.html", verbose_name=_("State"), empty_values=(),
        attrs={"td": {"class": "beside"}},
    )  # fmt: skip
    in_flight = tables.TemplateColumn(
        "{% load numbers %}{{ record.health.in_flight|thousands }}", verbose_name=_("In flight"), empty_values=(),
        attrs={"cell": {"class": "n"}},
    )  # fmt: skip
    rate = tables.TemplateColumn(
        template_name="channels/_rate_cell.html", verbose_name=_("A second, last 5 min"), empty_values=(),
        attrs={"cell": {"class": "n"}},
    )  # fmt: skip
    delivered = tables.TemplateColumn(
        template_name="channels/_delivered_cell.html", verbose_name=_("Delivered, 24 h"), empty_values=(),
        attrs={"cell": {"class": "n"}},
    )  # fmt: skip
    latency = tables.TemplateColumn(
        "{% load numbers %}{{ record.traffic.mean_latency_ms|took }}", verbose_name=_("Mean time"), empty_values=(),
        attrs={"cell": {"class": "n"}},
    )  # fmt: skip

    class Meta:
        orderable = False
        template_name = "components/table.html"
        attrs = {"caption": _("Channels")}  # noqa: RUF012
        row_attrs = {"data-href": lambda record: reverse("messaging:channel", args=[record.health.channel.pk])}  # noqa: RUF012


class RouteTable(tables.Table):
    """Which messages the channel carries."""

    country = tables.Column(verbose_name=_("Country"), empty_values=())
    category = tables.Column(verbose_name=_("Type"), empty_values=())
    priority = tables.Column(verbose_name=_("Priority"), attrs={"cell": {"class": "n"}})
    is_test = tables.Column(verbose_name=_("For"))
    remove = tables.TemplateColumn(template_name="channels/_remove_cell.html", verbose_name="", accessor="pk")

    class Meta:
        model = Route
        fields = ("country", "category", "priority", "is_test")
        orderable = False
        template_name = "components/table.html"
        empty_text = _("No route leads here, so nothing is sent by this channel.")
        attrs = {"caption": _("Routes")}  # noqa: RUF012

    def __init__(self, *args, can_change: bool, **kwargs) -> None:
        super().__init__(*args, exclude=() if can_change else ("remove",), **kwargs)

    def render_country(self, value: str) -> str:
        return value or gettext("Any country")

    def render_category(self, record: Route) -> str:
        return record.get_category_display() if record.category else gettext("Any type")

    def render_is_test(self, value: bool) -> str:
        return gettext("Test keys") if value else gettext("Live traffic")
