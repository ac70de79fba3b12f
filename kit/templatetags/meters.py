"""Progress bars, sparklines and charts, and what a form field looks like."""

from collections.abc import Mapping, Sequence

from django import template
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from kit.formatting import format_count

register = template.Library()

#: A bar's parts, left to right.
TONES = ("ok", "wait", "warn", "bad", "value")


@register.simple_tag
def bar(total: int = 100, label: str = "", size: str = "", **parts: int) -> SafeString:
    """{% bar total=12840 ok=7396 wait=462 bad=103 label=_("Progress") size="lg" %}, {% bar total=50000 value=11340 %}

    Drawn as SVG, so widths need neither style attributes nor scripts. Parts beyond the total are cut off at its end.
    With a label it is a progress bar to screen readers, without one decoration.
    """
    drawn, at = [], 0.0
    for tone in TONES:
        width = min(100 * (parts.get(tone) or 0) / total, 100 - at) if total else 0
        if width > 0:
            kind = "" if tone == "value" else tone
            drawn.append(f'<rect class="{kind}" x="{at:.2f}" width="{width:.2f}" height="1"/>')
            at += width
    said = 'aria-hidden="true"'
    if label:
        said = format_html(
            'role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{}" aria-label="{}"',
            int(at),
            label,
        )
    return mark_safe(  # noqa: S308  our own words, numbers, and a label that is escaped
        f'<div class="{f"bar {size}" if size else "bar"}" {said}><svg viewBox="0 0 100 1" preserveAspectRatio="none"'
        f' aria-hidden="true">{"".join(drawn)}</svg></div>'
    )


@register.simple_tag
def sparkline(values: Sequence[float]) -> SafeString:
    """A line of the last values, 92 by 26, hidden from screen readers: the number beside it says it."""
    values = [float(value or 0) for value in values]
    if len(values) < 2:
        return SafeString("")
    low, high = min(values), max(values)
    span = (high - low) or 1
    points = " L".join(
        f"{92 * place / (len(values) - 1):.1f} {24 - 21 * (value - low) / span:.1f}"
        for place, value in enumerate(values)
    )
    return format_html(
        '<svg class="spark" viewBox="0 0 92 26" aria-hidden="true">'
        '<path class="a" d="M{} L92 26 L0 26Z"/><path d="M{}"/></svg>',
        points, points,
    )  # fmt: skip


@register.inclusion_tag("components/chart.html")
def chart(kind: str, data: Mapping, id: str, summary: str, size: str = "") -> dict:
    """{% chart "bars" data id="by-hour" summary=text size="tall" %}: ECharts where scripts run, a table everywhere.

    `data` is {"x": [...], "series": [{"name", "tone", "data"}], "unit", "x_label", "min", "target", "event"}; see the
    components' README. `kind` is bars (stacked) or lines.
    """
    return {
        "kind": kind,
        "data": data,
        "id": id,
        "source": f"{id}-data",
        "summary": summary,
        "size": size,
        "body": chart_rows(data),
    }


def chart_rows(data: Mapping) -> SafeString:
    """The chart as a table's rows, in one go: a template takes longer for a day's cells than the page around them."""
    unit = conditional_escape(data.get("unit") or "")
    series = [one["data"] for one in data["series"]]
    lines = []
    for place, name in enumerate(data["x"]):
        cells = [values[place] if place < len(values) else None for values in series]
        written = [f"{format_count(cell)}{'' if cell is None else unit}" for cell in cells]
        lines.append(f'<tr><th scope="row">{conditional_escape(name)}</th>{"".join(map(_figure, written))}</tr>')
    return mark_safe("".join(lines))  # noqa: S308  names and unit are escaped, counts are digits


def _figure(written: str) -> str:
    return f'<td class="n">{written}</td>'


@register.filter
def widget_kind(field) -> str:
    """checkbox, file, hidden, select, … of a bound field; a list of checkboxes is "checkboxes"."""
    if getattr(field.field.widget, "allow_multiple_selected", False):
        return "checkboxes"
    return getattr(field.field.widget, "input_type", "") or type(field.field.widget).__name__.lower()
