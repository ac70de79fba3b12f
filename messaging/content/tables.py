"""The lists of this room."""

from datetime import datetime

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kit.formatting import format_count, moment

from .models import MessageTemplate, Reviewed, ReviewStatus, SenderId


def badge(reviewed: Reviewed) -> SafeString:
    """As templates/components/badge.html writes it: a template for each row takes longer than the row."""
    return format_html('<span class="st {}">{}</span>\n', reviewed.tone or "wait", reviewed.get_status_display())


class TemplateTable(tables.Table):
    name = tables.TemplateColumn(template_name="content/_template_cell.html", verbose_name=_("Template"))
    status = tables.Column(verbose_name=_("Status"), empty_values=(), orderable=False)
    version = tables.Column(verbose_name=_("In use"), empty_values=(), orderable=False, attrs={"cell": {"class": "n"}})
    campaign_count = tables.Column(verbose_name=_("Campaigns"), attrs={"cell": {"class": "n"}})
    changed = tables.Column(verbose_name=_("Last version"), empty_values=(), orderable=False)

    class Meta:
        model = MessageTemplate
        fields = ("name", "status", "version", "campaign_count", "changed")
        template_name = "components/table.html"
        empty_text = _("No template matches.")
        attrs = {"caption": _("Templates")}  # noqa: RUF012

    def render_status(self, record: MessageTemplate) -> SafeString:
        latest, live = record.latest, record.live
        can_be_sent = live and latest.status != ReviewStatus.APPROVED
        older = gettext("v%(number)s can be sent") % {"number": live.number} if can_be_sent else ""
        return format_html("{}{}\n", badge(latest), format_html('<div class="meta">{}</div>', older) if older else "")

    def render_version(self, record: MessageTemplate) -> str:
        return f"v{record.live.number}" if record.live else "–"

    def render_campaign_count(self, value: int) -> str:
        return format_count(value)

    def render_changed(self, record: MessageTemplate) -> str:
        return moment(record.latest.created_at)


class SenderTable(tables.Table):
    name = tables.TemplateColumn(template_name="content/_sender_cell.html", verbose_name=_("Sender"))
    kind = tables.Column(verbose_name=_("Kind"), accessor="kind_label", order_by="kind")
    status = tables.Column(verbose_name=_("Status"))
    created_at = tables.Column(verbose_name=_("Added"))

    class Meta:
        model = SenderId
        fields = ("name", "kind", "status", "created_at")
        template_name = "components/table.html"
        empty_text = _("No sender matches.")
        attrs = {"caption": _("Senders")}  # noqa: RUF012

    def render_status(self, record: SenderId) -> SafeString:
        return format_html("{}\n", badge(record))

    def render_created_at(self, value: datetime) -> str:
        return moment(value)
