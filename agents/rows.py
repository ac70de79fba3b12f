"""The rows of the tree of accounts, written in one go: a template for fifty of them takes longer than the rest of the page.
What people named themselves goes through `escape` here.
"""

from collections.abc import Iterable
from functools import cached_property
from html import escape

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from accounts.models import Organisation
from kit.formatting import NOTHING, format_count, format_money, format_percent, format_unit_price
from kit.icons import icon
from kit.links import addresses_of

from .folding import Folding, Row
from .queries import Account


class Rows:
    """One page's rows.  Words are looked up once, whatever the number of rows.  Its methods return HTML."""

    def __init__(self, *, sells_margin: bool, is_flat: bool) -> None:
        self.sells_margin, self.is_flat = sells_margin, is_flat
        self.url_of = addresses_of("agents:account")
        self.kinds = {kind.value: escape(str(kind.label)) for kind in Organisation.Kind}

    def html(self, rows: Iterable[Row]) -> SafeString:
        return mark_safe("".join(map(self.row, rows)))  # noqa: S308  every word of a row is escaped or our own

    def row(self, row: Row) -> str:
        one = row.account
        currency, figures = one.organisation.currency, one.figures
        yours = self.hidden(format_unit_price(one.yours, currency)) if self.sells_margin else ""
        margin = self.figure("margin", self.margin(one)) if self.sells_margin else ""
        return (
            f'\n<tr role="row"><td role="cell"><div class="tw ag-in{row.indent}">{self.toggle(row)}{self.name(one)}</div></td>'
            f"\n{self.figure('pays', escape(format_unit_price(one.price, currency)))}"
            f"\n{yours}"
            f"\n{self.figure('segments', format_count(figures.segments))}"
            f"\n{self.hidden(format_money(figures.revenue, currency) if one.level == 1 else NOTHING)}"
            f"\n{margin}"
            f"\n{self.figure('balance', self.balance(one))}</tr>\n"
        )

    def figure(self, column: str, content: str) -> str:
        return f'<td role="cell" class="n" data-l="{self.words[column]}">{content}</td>'

    def hidden(self, content: str) -> str:
        """A figure that telephones leave out."""
        return f'<td role="cell" class="n hide-m">{escape(content)}</td>'

    def toggle(self, row: Row) -> str:
        if not row.toggle:
            return "" if self.is_flat else '<span class="ag-gap"></span>'
        url = escape(row.toggle)
        below = self.words["below"] % {"name": escape(row.account.organisation.name)}
        return (
            f'<a class="tg" href="{url}" hx-get="{url}" role="button" aria-expanded="{str(row.is_open).lower()}"'
            f' aria-label="{below}">{icon("chevron-down" if row.is_open else "chevron-right", size=16)}</a>'
        )

    def name(self, one: Account) -> str:
        organisation = one.organisation
        terms = f" · {escape(one.list_name)}" if one.list_name else ""
        if one.level > 1:
            terms = f" · {self.words['set_by'] % {'name': escape(one.seller_name)}}"
        return (
            f'<div><a class="prime" href="{self.url_of(organisation.pk)}">{escape(organisation.name)}</a>'
            f'<div class="xs t3">{self.kinds[organisation.kind]}{terms}</div></div>'
        )

    def margin(self, one: Account) -> str:
        figures = one.figures
        has_share = figures.revenue and one.level == 1
        share = f'<div class="xs t3">{format_percent(figures.margin, figures.revenue)}</div>' if has_share else ""
        return f"<div>{escape(format_money(figures.margin, one.organisation.currency))}{share}</div>"

    def balance(self, one: Account) -> str:
        badge = ""
        if one.organisation.is_stopped:
            badge = self.badge("bad", "stopped")
        elif one.is_empty:
            badge = self.badge("bad", "empty")
        elif one.is_low:
            badge = self.badge("warn", "low")
        return f"<div>{escape(format_money(one.balance, one.organisation.currency))}{badge}</div>"

    def badge(self, tone: str, word: str) -> str:
        """As templates/components/badge.html writes it."""
        return f'<div><span class="st {tone}">{self.words[word]}</span>\n</div>'

    @cached_property
    def words(self) -> dict[str, str]:
        return {
            "pays": _("Pays"),
            "segments": _("Segments"),
            "margin": _("Your margin"),
            "balance": _("Balance"),
            "below": _("Accounts below %(name)s"),
            "set_by": _("set by %(name)s"),
            "stopped": _("Stopped"),
            "empty": _("No balance"),
            "low": _("Low balance"),
        }


def rows_of(folding: Folding, *, sells_margin: bool) -> SafeString:
    """The rows to show, as HTML."""
    return Rows(sells_margin=sells_margin, is_flat=folding.is_flat).html(folding.rows)
