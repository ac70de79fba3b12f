"""Charts say in a table what they draw."""

from django.utils.safestring import SafeString

from kit.templatetags.meters import chart_rows


def test_a_chart_has_a_row_for_each_place_and_a_cell_for_each_series():
    data = {"x": ["09:00", "10:00"], "series": [{"data": [1_200, 3]}, {"data": [0]}], "unit": " ms"}

    assert chart_rows(data) == (
        '<tr><th scope="row">09:00</th><td class="n">1,200 ms</td><td class="n">0 ms</td></tr>'
        '<tr><th scope="row">10:00</th><td class="n">3 ms</td><td class="n">—</td></tr>'
    )


def test_what_a_chart_names_is_escaped():
    data = {"x": ["<b>"], "series": [{"data": [1]}], "unit": "&"}

    assert chart_rows(data) == '<tr><th scope="row">&lt;b&gt;</th><td class="n">1&amp;</td></tr>'


def test_what_is_html_already_is_not_escaped_again():
    data = {"x": [SafeString("R&amp;D")], "series": [{"data": [1]}], "unit": SafeString("&nbsp;ms")}

    assert chart_rows(data) == '<tr><th scope="row">R&amp;D</th><td class="n">1&nbsp;ms</td></tr>'
