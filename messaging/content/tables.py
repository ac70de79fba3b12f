"""The lists of this room."""

from datetime import datetime

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from kit.formatting import format_count, moment

from .models import MessageTemplate, SenderId


class TemplateTable(tables.Table):
    name = tables.TemplateColumn(template_name="content/_template_cell.html", verbose_name=_("Template"))
    status = tables.TemplateColumn(
        template_name="content/_template_status.html", verbose_name=_("Status"), orderable=False
    )
    version = tables.Column(verbose_name=_("In use"), empty_values=(), orderable=False, attrs={"cell": {"class": "n"}})
    campaign_count = tables.Column(verbose_name=_("Campaigns"), attrs={"cell": {"class": "n"}})
    changed = tables.Column(verbose_name=_("Last version"), empty_values=(), orderable=False)

    class Meta:
        model = MessageTemplate
        fields = ("name", "status", "version", "campaign_count", "changed")
        template_name = "components/table.html"
        empty_text = _("No template matches.")
        attrs = {"caption": _("Templates")}  # noqa: RUF012

    def render_version(self, record: MessageTemplate) -> str:
        return f"v{record.live.number}" if record.live else "–"

    def render_campaign_count(self, value: int) -> str:
        return format_count(value)

    def render_changed(self, record: MessageTemplate) -> str:
        return moment(record.latest.created_at)


class SenderTable(tables.Table):
    name = tables.TemplateColumn(template_name="content/_sender_cell.html", verbose_name=_("Sender"))
    kind = tables.Column(verbose_name=_("Kind"), accessor="kind_label", order_by="kind")
    status = tables.TemplateColumn(template_name="content/_sender_status.html", verbose_name=_("Status"))
    created_at = tables.Column(verbose_name=_("Added"))

    class Meta:
        model = SenderId
        fields = ("name", "kind", "status", "created_at")
        template_name = "components/table.html"
        empty_text = _("No sender matches.")
        attrs = {"caption": _("Senders")}  # noqa: RUF012

    def render_created_at(self, value: datetime) -> str:
        return moment(value)
