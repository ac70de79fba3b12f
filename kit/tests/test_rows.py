"""Tables as people get them, escaped and labelled."""

import django_tables2 as tables
from django.template import Context, Template

ROWS = Template("{% load rows %}{% table_rows table %}")


class Fruits(tables.Table):
    name = tables.Column(verbose_name="Name")
    weight = tables.Column(verbose_name="Weight & more", attrs={"cell": {"class": "n"}})
    state = tables.Column(verbose_name="State", attrs={"td": {"class": "beside"}})
    code = tables.Column(verbose_name="Code", localize=False)

    class Meta:
        row_attrs = {"data-href": lambda record: f"/{record['code']}/"}  # noqa: RUF012
        orderable = False


def rows_of(*fruits: dict) -> str:
    return ROWS.render(Context({"table": Fruits(fruits)}))


def test_cells_are_escaped_and_name_their_column_but_the_first_and_what_stands_beside_it():
    html = rows_of({"name": "<b>Fig</b>", "weight": 3, "state": "ripe", "code": 1234567})

    assert "&lt;b&gt;Fig&lt;/b&gt;</td>" in html
    assert html.count("data-l=") == 2
    assert 'class="n" data-l="Weight &amp; more">3</td>' in html
    assert '<td role="cell" class="beside">ripe</td>' in html
    assert ">1234567</td>" in html


def test_a_row_carries_its_own_attributes():
    html = rows_of(
        *({"name": name, "weight": 1, "state": "", "code": place} for place, name in enumerate(("Fig", "Date")))
    )

    assert html.count("<tr ") == 2
    assert 'data-href="/0/"' in html
    assert 'data-href="/1/"' in html
