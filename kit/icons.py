"""Tabler's outline icons as inline SVG.  The files are those `bin/vendor` keeps in static/vendor."""

import re
from functools import cache
from pathlib import Path

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

FOLDER = next((Path(__file__).resolve().parent.parent / "static" / "vendor").glob("tabler-icons-*"))
SIZES = {14: "xs", 16: "s"}


@cache
def drawing(name: str) -> SafeString:
    """The paths of one icon.  Raises FileNotFoundError when it is not vendored: list it in the manifest first."""
    if not re.fullmatch(r"[a-z0-9-]+", name):
        raise FileNotFoundError(f"not an icon's name: {name!r}")
    svg = (FOLDER / f"{name}.svg").read_text()
    inner = svg[svg.index(">") + 1 : svg.rindex("</svg>")]
    paths = re.findall(r"<[^>]+>", inner)
    return mark_safe("".join(path for path in paths if 'stroke="none"' not in path))  # noqa: S308  our own files


def icon(name: str, *, size: int = 18, tone: str = "", title: str = "") -> SafeString:
    """One icon.  Without a title it is decoration and hidden from screen readers.

    Sizes are 14, 16, 18 and whatever a component's stylesheet makes of them; `tone` is ok, warn, bad or info.
    """
    if not title:
        return _decoration(name, size, tone)
    return _written(name, size, tone, format_html('role="img" aria-label="{}"', title))


@cache
def _decoration(name: str, size: int, tone: str) -> SafeString:
    """A page has forty of them, and the house not many more."""
    return _written(name, size, tone, mark_safe('aria-hidden="true"'))


def _written(name: str, size: int, tone: str, said: SafeString) -> SafeString:
    classes = " ".join(filter(None, ["i", SIZES.get(size, ""), tone]))
    return format_html(
        '<svg class="{}" width="{}" height="{}" viewBox="0 0 24 24" fill="none" stroke="currentColor"'
        ' stroke-linecap="round" stroke-linejoin="round" {}>{}</svg>',
        classes, size, size, said, drawing(name),
    )  # fmt: skip
