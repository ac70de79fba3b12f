"""The rows of a table's page, written in one go: a template that loops over cells takes longer than all the rest of a page."""

from typing import Any

from django import template
from django.template.base import render_value_in_context
from django.template.context import Context
from django.utils.formats import localize
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from kit.tables import writer_of

register = template.Library()


@register.simple_tag(takes_context=True)
def table_rows(context: Context, table: Any) -> SafeString:
    """A `tr` for each row and a `td` for each cell, which names its column where rows turn into cards.

    What a column says of its cells is the same for all of them: it is read once.
    """
    columns = [
        (_opening(column, is_first=not place), writer_of(column), column.localize)
        for place, column in enumerate(table.columns)
    ]
    lines = []
    for row in table.paginated_rows:
        cells = [f"{opening}{_cell(context, write(row), localized)}</td>" for opening, write, localized in columns]
        lines.append(f'<tr role="row" {row.attrs.as_html()}>{"".join(cells)}</tr>')
    return mark_safe("\n".join(lines))  # noqa: S308  attributes are escaped by as_html, cells below


def _opening(column: Any, *, is_first: bool) -> SafeString:
    attrs = column.attrs["td"]
    is_named = not is_first and column.header and "beside" not in (attrs.get("class") or "")
    label = format_html(' data-l="{}"', column.header) if is_named else ""
    return format_html('<td role="cell" {}{}>', attrs.as_html(), label)


def _cell(context: Context, cell: Any, localized: bool | None) -> str:
    if localized is None:
        return render_value_in_context(cell, context)
    return conditional_escape(localize(cell, use_l10n=localized))
