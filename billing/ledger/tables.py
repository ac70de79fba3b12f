"""How movements are listed."""

from html import escape

import django_tables2 as tables
from django.urls import NoReverseMatch, reverse
from django.utils.functional import cached_property
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kit.formatting import MINUS, format_money, moment
from kit.ids import made_at

from .models import Reason, Transfer
from .queries import Movement

#: Where a movement's subject is shown.  Names of addresses, so that this room knows none of those above.
PAGES = {"purchase": "billing:purchase", "campaign": "messaging:campaign"}
NUMBER = {"cell": {"class": "n"}}


class StatementTable(tables.Table):
    """The wallet's movements with the running balance."""

    reason = tables.Column(verbose_name=_("Movement"), empty_values=())
    at = tables.Column(accessor="id", verbose_name=_("Time"), empty_values=())
    change = tables.Column(verbose_name=_("Amount"), empty_values=(), attrs=NUMBER)
    balance = tables.Column(verbose_name=_("Balance"), empty_values=(), attrs=NUMBER)

    class Meta:
        orderable = False
        empty_text = _("Nothing moved in this period.")
        attrs = {"caption": _("Movements of the wallet"), "hx_target": "#statement"}

    def render_reason(self, record: Movement) -> SafeString:
        url, label = address_of(record.subject), escape(self.label_of(record))
        said = f'<a class="prime" href="{escape(url)}">{label}</a>' if url else f'<span class="prime">{label}</span>'
        return mark_safe(said)  # noqa: S308  escaped

    def label_of(self, record: Movement) -> str:
        """As below; what is said of all movements of a kind is looked up once."""
        if record.reason == Reason.CREDIT:
            return label_of(record)
        if record.reason not in self.labels:
            self.labels[record.reason] = label_of(record)
        return self.labels[record.reason]

    @cached_property
    def labels(self) -> dict[str, str]:
        return {}

    def render_at(self, record: Movement) -> str:
        return moment(made_at(record.id))

    def render_change(self, record: Movement) -> str:
        return signed(record.change, record.currency)

    def render_balance(self, record: Movement) -> str:
        return format_money(record.balance, record.currency)


def label_of(transfer: Movement | Transfer) -> str:
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
