"""The lists of this room."""

from datetime import datetime

import django_tables2 as tables
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kit.formatting import ago, moment

from .models import WebhookEndpoint


class WebhookTable(tables.Table):
    url = tables.TemplateColumn(template_name="hooks/_endpoint_cell.html", verbose_name=_("URL"))
    state = tables.TemplateColumn(
        '{% include "components/badge.html" with tone=record.tone label=record.state_label only %}',
        verbose_name=_("Status"),
        orderable=False,
        attrs={"td": {"class": "beside"}},
    )
    last_event = tables.Column(verbose_name=_("Latest event"), orderable=False, empty_values=())
    created_at = tables.Column(verbose_name=_("Added"))

    class Meta:
        model = WebhookEndpoint
        fields = ("url", "state", "last_event", "created_at")
        template_name = "components/table.html"
        empty_text = _("No webhook matches.")
        attrs = {"caption": _("Webhooks")}

    def render_created_at(self, value: datetime) -> str:
        return moment(value)

    def render_last_event(self, record: WebhookEndpoint) -> str:
        return ago(record.last_event_at) if record.last_event else gettext("none yet")
