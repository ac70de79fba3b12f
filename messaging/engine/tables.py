"""The list of messages."""

import django_tables2 as tables
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from .models import Message
from .rows import Rows

NUMERIC = {"cell": {"class": "n"}}


class MessageTable(tables.Table):
    """Numbers are masked; the row leads to the message."""

    recipient = tables.Column(verbose_name=_("To"))
    state = tables.Column(verbose_name=_("Status"))
    origin = tables.Column(verbose_name=_("Template"), empty_values=())
    segments = tables.Column(verbose_name=_("Segments"), attrs=NUMERIC)
    price = tables.Column(verbose_name=_("Cost"), attrs=NUMERIC)
    accepted_at = tables.Column(verbose_name=_("Accepted"), attrs=NUMERIC)

    class Meta:
        model = Message
        fields = ("recipient", "state", "origin", "segments", "price", "accepted_at")
        orderable = False
        template_name = "messages/_table.html"
        empty_text = _("No message matches. Clear a filter, or look at other days.")
        attrs = {"caption": _("Messages")}  # noqa: RUF012

    @property
    def body(self) -> SafeString:
        """Every row, as HTML."""
        labels = {column.name: str(column.header) for column in self.columns}
        return Rows(labels).html(row.record for row in self.paginated_rows)
