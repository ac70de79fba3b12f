"""The widgets a page has many of, written by hand to the letter as Django's templates write them.

A template for each option of a list of time zones, or for each price of a price list, takes longer than all the rest of
the page.
"""

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from django.utils.formats import localize
from django.utils.safestring import SafeData

Widget = Mapping[str, Any]

_FOLDER = "django/forms/widgets"
_OPTION = f"{_FOLDER}/select_option.html"
_INPUTS = (
    "color", "date", "datetime", "email", "hidden", "input", "number", "password", "search", "tel", "text", "time", "url",
)  # fmt: skip


def writer_of(template_name: str, widget: Widget | None) -> Callable[[Widget], str] | None:
    """What writes this widget as its template would; None when only the template can."""
    write = _WRITERS.get(template_name)
    return write if widget is not None and (write is not _select or _has_plain_options(widget)) else None


def _has_plain_options(widget: Widget) -> bool:
    return all(
        option["template_name"] == _OPTION for _group, options, _index in widget["optgroups"] for option in options
    )


def _input(widget: Widget) -> str:
    value = "" if widget["value"] is None else f' value="{_plainly(widget["value"])}"'
    return f'<input type="{_shown(widget["type"])}" name="{_shown(widget["name"])}"{value}{_attributes(widget)}>'


def _select(widget: Widget) -> str:
    parts = [f'<select name="{_shown(widget["name"])}"{_attributes(widget)}>']
    for group, options, _index in widget["optgroups"]:
        parts += [f'\n  <optgroup label="{_shown(group)}">'] if group else []
        parts += [f"\n  {_option(option)}\n" for option in options]
        parts += ["\n  </optgroup>"] if group else []
    return f"{''.join(parts)}\n</select>"


def _option(option: Widget) -> str:
    return f'<option value="{_plainly(option["value"])}"{_attributes(option)}>{_shown(option["label"])}</option>'


def _attributes(widget: Widget) -> str:
    return "".join(
        f" {_shown(name)}" if value is True else f' {_shown(name)}="{_plainly(value)}"'
        for name, value in widget["attrs"].items()
        if value is not False
    )


def _shown(value: Any) -> str:
    """As {{ value }}."""
    said = value if isinstance(value, str) else str(localize(value))
    return said if isinstance(said, SafeData) else escape(said)


def _plainly(value: Any) -> str:
    """As {{ value|stringformat:"s" }}."""
    return value if isinstance(value, SafeData) else escape(str(value))


_WRITERS = {f"{_FOLDER}/{name}.html": _input for name in _INPUTS} | {f"{_FOLDER}/select.html": _select}
