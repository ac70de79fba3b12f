"""The rows of a statement, written in one go.  What people named themselves goes through `escape` here."""

from collections.abc import Iterable
from functools import cached_property
from html import escape

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from kit.formatting import format_count, format_money
from kit.links import addresses_of

from .queries import Line, Statement


class StatementRows:
    """One statement's rows.  Words are looked up once, whatever the number of rows.  `lines` and `totals` are HTML."""

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.url_of = addresses_of("agents:account")

    @property
    def lines(self) -> SafeString:
        return _joined(self.row(self.name(line), line) for line in self.statement.lines)

    @property
    def totals(self) -> SafeString:
        totals = self.statement.totals
        return _joined(
            self.row(self.words["all"] + (f" · {escape(total.currency)}" if len(totals) > 1 else ""), total)
            for total in totals
        )

    def row(self, name: str, line: Line) -> str:
        return (
            f'<tr role="row"><td role="cell">{name}</td>{self.figure("segments", format_count(line.segments))}'
            f"{self.amount('margin', line)}{self.amount('on_traffic', line)}{self.amount('on_packages', line)}"
            f"{self.amount('taken_back', line)}{self.amount('total', line, tone='n b')}</tr>"
        )

    def amount(self, column: str, line: Line, *, tone: str = "n") -> str:
        return self.figure(column, escape(format_money(getattr(line, column), line.currency)), tone=tone)

    def figure(self, column: str, content: str, *, tone: str = "n") -> str:
        return f'<td role="cell" class="{tone}" data-l="{self.words[column]}">{content}</td>'

    def name(self, line: Line) -> str:
        if not line.name:
            return f'<span class="prime">{self.words["gone"]}</span>'
        return f'<a class="prime" href="{self.url_of(line.customer_id)}">{escape(line.name)}</a>'

    @cached_property
    def words(self) -> dict[str, str]:
        said = {
            "all": _("All"),
            "gone": _("An account that is no longer below you"),
            "segments": _("Segments"),
            "margin": _("Margin"),
            "on_traffic": _("On messages"),
            "on_packages": _("On packages"),
            "taken_back": _("Taken back"),
            "total": _("Total"),
        }
        return {name: escape(word) for name, word in said.items()}


def _joined(rows: Iterable[str]) -> SafeString:
    return mark_safe("".join(rows))  # noqa: S308  every word of a row is escaped or our own
