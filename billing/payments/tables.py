"""How purchases are listed."""

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from billing.packages.models import Purchase
from kit.formatting import format_money, moment
from kit.links import addresses_of

TONES = {
    Purchase.Status.PAID: "ok",
    Purchase.Status.PENDING: "wait",
    Purchase.Status.EXPIRED: "warn",
    Purchase.Status.REFUNDED: "wait",
}


class PurchaseTable(tables.Table):
    what = tables.Column(accessor="kind", verbose_name=_("Purchase"))
    status = tables.Column(verbose_name=_("Status"), attrs={"td": {"class": "beside"}})
    created_at = tables.Column(verbose_name=_("Time"))
    bought_by = tables.Column(verbose_name=_("By"))
    amount = tables.Column(verbose_name=_("Amount"), attrs={"cell": {"class": "n"}})

    class Meta:
        orderable = False
        attrs = {"caption": _("Purchases"), "hx_target": "#purchases"}
        row_attrs = {"data-href": lambda record, table: table.url_of(record.pk)}

    def __init__(self, *args, **kwargs) -> None:
        self.url_of = addresses_of("billing:purchase")
        super().__init__(*args, **kwargs)

    def render_what(self, record: Purchase):
        name = record.package.label if record.package else record.get_kind_display()
        return format_html('<a class="prime" href="{}">{}</a>', self.url_of(record.pk), name)

    def render_status(self, record: Purchase, value: str):
        """As templates/components/badge.html writes it."""
        return format_html('<span class="st {}">{}</span>\n', TONES[record.status], value)

    def render_created_at(self, record: Purchase):
        return moment(record.created_at)

    def render_amount(self, record: Purchase):
        return format_money(record.amount, record.currency)
