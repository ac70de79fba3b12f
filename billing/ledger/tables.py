"""How movements are listed."""

import django_tables2 as tables
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kit.formatting import MINUS, format_money, moment
from kit.ids import made_at

from .models import Reason, Transfer

#: Where a movement's subject is shown.  Names of addresses, so that this room knows none of those above.
PAGES = {"purchase": "billing:purchase", "campaign": "messaging:campaign"}
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
        url = address_of(record.subject)
        if url:
            return format_html('<a class="prime" href="{}">{}</a>', url, label_of(record))
        return format_html('<span class="prime">{}</span>', label_of(record))

    def render_at(self, record: Transfer):
        return moment(made_at(record.id))

    def render_change(self, record: Transfer):
        return signed(record.change, record.currency)

    def render_balance(self, record: Transfer):
        return format_money(record.balance, record.currency)


def label_of(transfer: Transfer) -> str:
    """What a movement of the wallet was, as its owner sees it: credit given looks different from both sides."""
    # Not get_reason_display, which gathers every reason in the language, each time.
    label = str(Reason(transfer.reason).label)
    if transfer.reason != Reason.CREDIT:
        return label
    if transfer.reference.startswith("credit_back:"):
        came_in, went_out = gettext("Credit taken back from an account"), gettext("Credit taken back by your reseller")
    else:
        came_in, went_out = label, gettext("Credit given to an account")
    return came_in if transfer.change > 0 else went_out


def address_of(subject: str) -> str:
    """The page of what a movement was about; empty when it has none."""
    kind, _colon, id = subject.partition(":")
    try:
        return reverse(PAGES[kind], args=[id]) if kind in PAGES else ""
    except NoReverseMatch:
        return ""


def signed(micros: int, currency: str) -> str:
    """+£4.00 for what came in, −£0.0316 for what went out: prices of messages have four decimals."""
    decimals = 2 if micros % 10_000 == 0 else 4
    sign = MINUS if micros < 0 else "+"
    return f"{sign}{format_money(abs(micros), currency, decimals=decimals)}"
