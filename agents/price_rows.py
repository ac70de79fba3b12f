"""The rows of a price list, written in one go: three categories for each country are more than a template writes quickly.
What people named themselves goes through `escape` here.
"""

from collections.abc import Iterable
from functools import cached_property
from html import escape

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from kit.formatting import format_unit_price, moment
from kit.icons import icon

from .forms import PriceRow
from .queries import PriceLine


class PriceRows:
    """One page's rows.  Words are looked up once, whatever the number of rows.  Its methods return HTML."""

    def __init__(self, *, currency: str, buys: bool, may_change: bool) -> None:
        self.currency, self.buys, self.may_change = currency, buys, may_change

    def html(self, rows: Iterable[PriceRow]) -> SafeString:
        return mark_safe("".join(map(self.row, rows)))  # noqa: S308  every word of a row is escaped or our own

    def row(self, row: PriceRow) -> str:
        line = row.line
        wrong = ' class="ag-wrong"' if row.errors else ""
        pays = self.figure("pays", self.price(line.cost)) if self.buys else ""
        margin = self.figure("margin", self.price(row.margin)) if self.buys else ""
        return (
            f'<tr role="row"{wrong}><td role="cell"><span class="prime">{escape(line.country_label) or self.words["others"]}'
            f'</span><div class="meta">{escape(line.category_label)}{self.coming(line)}</div></td>'
            f"\n{pays}\n{self.figure('asks', self.asked(row))}\n{margin}</tr>"
        )

    def figure(self, column: str, content: str) -> str:
        return f'<td role="cell" class="n" data-l="{self.words[column]}">{content}</td>'

    def price(self, micros: int | None) -> str:
        return escape(format_unit_price(micros, self.currency))

    def coming(self, line: PriceLine) -> str:
        if not line.next_from:
            return ""
        return " · " + self.words["coming"] % {
            "price": self.price(line.next_price),
            "at": escape(moment(line.next_from)),
        }

    def asked(self, row: PriceRow) -> str:
        """The price, to be changed by whoever may."""
        if not self.may_change:
            return self.price(row.line.price)
        label = f'<label class="sr" for="{row.field.id_for_label}">{escape(row.field.label)}</label>'
        return f'<div class="field ag-price">{label}{row.field}{self.errors(row)}</div>'

    def errors(self, row: PriceRow) -> str:
        if not row.errors:
            return ""
        shown = [
            f'<p class="err">{icon("alert-circle", size=16)}<span>{escape(error)}</span></p>' for error in row.errors
        ]
        return f'<div id="{row.field.auto_id}_error">{"".join(shown)}</div>'

    @cached_property
    def words(self) -> dict[str, str]:
        said = {
            "pays": _("You pay"),
            "asks": _("You ask"),
            "margin": _("Your margin"),
            "others": _("Other countries"),
            "coming": _("%(price)s from %(at)s"),
        }
        return {name: escape(word) for name, word in said.items()}
