"""The list of messages."""

import django_tables2 as tables
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from .models import Message

CELL = "messages/_{}_cell.html"


class MessageTable(tables.Table):
    """Numbers are masked; the row leads to the message."""

    recipient = tables.TemplateColumn(template_name=CELL.format("recipient"), verbose_name=_("To"))
    state = tables.TemplateColumn(
        template_name=CELL.format("status"), verbose_name=_("Status"), attrs={"td": {"class": "beside"}}
    )
    origin = tables.TemplateColumn(template_name=CELL.format("origin"), verbose_name=_("Template"))
    segments = tables.TemplateColumn(
        "{% load numbers %}{{ value|thousands }}", verbose_name=_("Segments"), attrs={"cell": {"class": "n"}}
    )
    price = tables.TemplateColumn(
        template_name=CELL.format("price"), verbose_name=_("Cost"), attrs={"cell": {"class": "n"}}
    )
    accepted_at = tables.TemplateColumn(
        "{% load numbers %}{{ value|moment }}", verbose_name=_("Accepted"), attrs={"cell": {"class": "n"}}
    )

    class Meta:
        model = Message
        fields = ("recipient", "state", "origin", "segments", "price", "accepted_at")
        orderable = False
        template_name = "components/table.html"
        empty_text = _("No message matches. Clear a filter, or look at other days.")
        attrs = {"caption": _("Messages")}  # noqa: RUF012
        row_attrs = {"data-href": lambda record: reverse("messaging:message", args=[record.pk])}  # noqa: RUF012
