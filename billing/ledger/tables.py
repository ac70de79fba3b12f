"""How movements are listed."""

import django_tables2 as tables
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from kit.formatting import MINUS, format_money, moment
from kit.ids import made_at

from .models import Transfer

NUMBER = {"cell": {"class": "n"}}


class StatementTable(tables.Table):
    """The wallet's movements with the running balance."""

    reason = tables.Column(verbose_name=_("Movement"))
    at = tables.Column(accessor="id", verbose_name=_("Time"))
    change = tables.Column(verbose_name=_("Amount"), attrs=NUMBER)
    balance = tables.Column(verbose_name=_("Balance"), attrs=NUMBER)

    class Meta:
        orderable = False
        empty_text = _("Nothing moved in this period.")
        attrs = {"caption": _("Movements of the wallet"), "hx_target": "#statement"}

    def render_reason(self, record: Transfer):
        label = record.get_reason_display()
        kind, _colon, id = record.subject.partition(":")
        if kind == "purchase":
            return format_html('<a class="prime" href="{}">{}</a>', reverse("billing:purchase", args=[id]), label)
        return format_html('<span class="prime">{}</span>', label)

    def render_at(self, record: Transfer):
        return moment(made_at(record.id))

    def render_change(self, record: Transfer):
        return signed(record.change, record.currency)

    def render_balance(self, record: Transfer):
        return format_money(record.balance, record.currency)


def signed(micros: int, currency: str) -> str:
    """+£4.00 for what came in, −£0.0316 for what went out: prices of messages have four decimals."""
    decimals = 2 if micros % 10_000 == 0 else 4
    sign = MINUS if micros < 0 else "+"
    return f"{sign}{format_money(abs(micros), currency, decimals=decimals)}"
