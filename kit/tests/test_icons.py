"""Icons, progress bars and sparklines as inline SVG, and the files they come from."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from kit.icons import icon
from kit.templatetags.meters import bar, sparkline

HOUSE = Path(__file__).resolve().parent.parent.parent


def test_an_icon_without_a_title_is_hidden_from_screen_readers():
    svg = icon("send", size=16)

    assert svg.startswith('<svg class="i s" width="16" height="16"')
    assert 'aria-hidden="true"' in svg
    assert "<path d=" in svg


def test_an_icons_title_is_escaped():
    svg = icon("send", title='"><script>')

    assert 'role="img" aria-label="&quot;&gt;&lt;script&gt;"' in svg


@pytest.mark.parametrize(
    ("_case", "name"), [("not vendored", "no-such-icon"), ("a path", "../manifest"), ("empty", "")]
)
def test_an_unknown_icon_is_an_error(_case, name):
    with pytest.raises(FileNotFoundError):
        icon(name)


def test_every_icon_a_template_names_is_vendored():
    named = {
        (name, path.name)
        for path in (HOUSE / "templates").rglob("*.html")
        for name in re.findall(r'{% icon "([a-z0-9-]+)"', path.read_text())
    }

    missing = [(name, where) for name, where in named if not icon_exists(name)]

    assert not missing


def test_no_template_carries_a_style_or_a_script_of_its_own():
    forbidden = re.compile(r"<[^>]*\s(style|on[a-z]+)=|<script(?![^>]*(\ssrc=|application/json))", re.IGNORECASE)

    carried = [str(path) for path in (HOUSE / "templates").rglob("*.html") if forbidden.search(path.read_text())]

    assert not carried


def test_the_vendored_files_are_those_of_the_manifest():
    result = subprocess.run(  # noqa: S603
        [sys.executable, HOUSE / "bin" / "vendor", "--check"], capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stderr


def test_a_bars_parts_stand_side_by_side_and_end_at_its_end():
    drawn = bar(total=200, ok=100, wait=50, bad=80)

    assert re.findall(r'<rect class="(\w*)" x="([0-9.]+)" width="([0-9.]+)"', drawn) == [
        ("ok", "0.00", "50.00"), ("wait", "50.00", "25.00"), ("bad", "75.00", "25.00"),
    ]  # fmt: skip
    assert 'aria-hidden="true"><svg' in drawn


def test_a_bar_of_nothing_is_empty():
    assert "<rect" not in bar(total=0, ok=0)


def test_a_bars_label_is_escaped_and_says_how_far_it_is():
    drawn = bar(total=200, value=50, label="<b>", size="lg")

    assert drawn.startswith('<div class="bar lg" role="progressbar"')
    assert 'aria-valuenow="25" aria-label="&lt;b&gt;"' in drawn


def test_a_sparkline_needs_two_values():
    assert sparkline([1]) == ""
    assert "M0.0 24.0 L92.0 3.0" in sparkline([1, 2])


def icon_exists(name: str) -> bool:
    return any((HOUSE / "static" / "vendor").glob(f"tabler-icons-*/{name}.svg"))
