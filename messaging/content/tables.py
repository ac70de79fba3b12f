"""The lists of this room."""

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from .models import MessageTemplate, SenderId


class TemplateTable(tables.Table):
    name = tables.TemplateColumn(template_name="content/_template_cell.html", verbose_name=_("Template"))
    status = tables.TemplateColumn(
        template_name="content/_template_status.html", verbose_name=_("Status"), orderable=False
    )
    version = tables.TemplateColumn(
        "{% if record.live %}v{{ record.live.number }}{% else %}–{% endif %}",
        verbose_name=_("In use"),
        orderable=False,
        attrs={"cell": {"class": "n"}},
    )
    campaign_count = tables.TemplateColumn(
        "{% load numbers %}{{ value|thousands }}", verbose_name=_("Campaigns"), attrs={"cell": {"class": "n"}}
    )
    changed = tables.TemplateColumn(
        "{% load numbers %}{{ record.latest.created_at|moment }}", verbose_name=_("Last version"), orderable=False
    )

    class Meta:
        model = MessageTemplate
        fields = ("name", "status", "version", "campaign_count", "changed")
        template_name = "components/table.html"
        empty_text = _("No template matches.")
        attrs = {"caption": _("Templates")}  # noqa: RUF012


class SenderTable(tables.Table):
    name = tables.TemplateColumn(template_name="content/_sender_cell.html", verbose_name=_("Sender"))
    kind = tables.Column(verbose_name=_("Kind"), accessor="kind_label", order_by="kind")
    status = tables.TemplateColumn(template_name="content/_sender_status.html", verbose_name=_("Status"))
    created_at = tables.TemplateColumn("{% load numbers %}{{ value|moment }}", verbose_name=_("Added"))

    class Meta:
        model = SenderId
        fields = ("name", "kind", "status", "created_at")
        template_name = "components/table.html"
        empty_text = _("No sender matches.")
        attrs = {"caption": _("Senders")}  # noqa: RUF012
