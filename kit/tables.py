"""Lists as tables, written quickly: what django-tables2 finds out for each cell anew is found out once a column.

It reads a render's signature, looks for a field behind the accessor and makes a dictionary of the field's choices for every
cell; that took longer than all the rest of a page of fifty rows.
"""

from collections.abc import Callable
from functools import partialmethod
from inspect import getattr_static
from typing import Any

from django.core.paginator import InvalidPage
from django.db import models
from django.http import Http404
from django.template import Context, Template
from django.template.loader import get_template
from django.utils.encoding import force_str
from django.utils.safestring import SafeString
from django_tables2 import ManyToManyColumn, SingleTableView, Table, TemplateColumn
from django_tables2.columns import BoundColumn
from django_tables2.columns.linkcolumn import BaseLinkColumn
from django_tables2.rows import BoundRow
from django_tables2.utils import Accessor, signature

Reader = Callable[[Any], Any]


class TableListView(SingleTableView):
    """A list whose table alone counts and cuts its rows: Django's own would do both once more.

    A page that is not there is not found.
    """

    rows_a_page: int

    def get_table_pagination(self, table: Table) -> dict[str, Any]:
        return {"per_page": self.rows_a_page, "silent": False}

    def get_table(self, **kwargs: Any) -> Table:
        if not self.request.GET.get("page", "1").isdecimal():
            raise Http404
        try:
            return super().get_table(**kwargs)
        except InvalidPage as error:
            raise Http404 from error


def writer_of(column: BoundColumn) -> Callable[[BoundRow], Any]:
    """What a row's cell in this column says: for all rows of one page the same as `row.get_cell(column.name)` gives."""
    if isinstance(column.column, BaseLinkColumn | ManyToManyColumn):
        return lambda row: row.get_cell(column.name)
    wanted, takes_all = signature(column.render)
    if type(column.column) is TemplateColumn and column.render == column.column.render and column.link is None:
        write = _template_caller(column)
    else:
        write = _caller(column, wanted=None if takes_all else wanted)
    unsaid, default = column.column.empty_values, column.default
    if not unsaid and not takes_all and "value" not in wanted:
        return lambda row: write(row, None)
    readers: dict[type, Reader] = {}

    def cell(row: BoundRow) -> Any:
        kind = type(row.record)
        if kind not in readers:
            readers[kind] = _reader(column.accessor, kind)
        value = readers[kind](row.record)
        return default if value in unsaid else write(row, value)

    return cell


def _caller(column: BoundColumn, *, wanted: tuple[str, ...] | None) -> Callable[[BoundRow, Any], Any]:
    """Calls the column's render with what it wants to know; None wants all there is."""
    render, link = column.render, column.link
    if link is None and wanted == ("value",):
        return lambda row, value: render(value=value)

    def write(row: BoundRow, value: Any) -> Any:
        facts = {
            "value": value,
            "record": row.record,
            "column": column.column,
            "bound_column": column,
            "bound_row": row,
            "table": row.table,
        }
        said = render(**(facts if wanted is None else {name: facts[name] for name in wanted}))
        return link(said, **facts) if link else said

    return write


def _template_caller(column: BoundColumn) -> Callable[[BoundRow, Any], Any]:
    """Renders the column's template, compiled once, where the table stands: django-tables2 has a context made for each cell
    and asks every context processor."""
    own = column.column
    template = Template(own.template_code) if own.template_code else get_template(own.template_name).template

    def write(row: BoundRow, value: Any) -> SafeString:
        table = row.table
        facts = own.get_context_data(record=row.record, table=table, value=value, bound_column=column, bound_row=row)
        if own.template_code:
            facts["request"] = getattr(table, "request", None)
        context = getattr(table, "context", None) or Context()
        with context.update(facts):
            return template.render(context)

    return write


def _reader(accessor: Accessor, kind: type) -> Reader:
    """Reads the accessor's value of records of this kind: of a field with choices its label, of what is not there None."""
    field = accessor.get_field(kind) if issubclass(kind, models.Model) else None
    if field is None or not getattr(field, "choices", None):
        return lambda record: _resolved(accessor, record)
    if len(accessor.bits) > 1:
        return lambda record: _displayed(*accessor.penultimate(record))
    has_own_words = not isinstance(getattr_static(kind, f"get_{field.name}_display"), partialmethod)
    if has_own_words:
        return lambda record: _displayed(record, field.name)
    labels = {value: force_str(label, strings_only=True) for value, label in field.flatchoices}
    return lambda record: labels.get(value := getattr(record, field.attname), value)


def _displayed(record: Any, name: str) -> Any:
    return None if record is None else getattr(record, f"get_{name}_display")()


def _resolved(accessor: Accessor, record: Any) -> Any:
    try:
        return accessor.resolve(record)
    except Exception:  # as django-tables2 has it: columns need not stand for anything in the record
        return None
