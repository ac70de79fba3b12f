"""Cells written quickly say what django-tables2 says of them."""

from datetime import UTC, datetime
from uuid import uuid4

import django_tables2 as tables
import pytest
from django.db import models
from django.template import Context
from django.test.utils import isolate_apps
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from kit.formatting import moment
from kit.links import addresses_of
from kit.tables import writer_of


class Ripeness(models.TextChoices):
    RIPE = "ripe", _("Active")
    ROTTEN = "rotten", "Rotten"


with isolate_apps("kit"):

    class Tree(models.Model):
        age = models.CharField(max_length=6, choices=Ripeness)

        class Meta:
            app_label = "kit"

    class Fruit(models.Model):
        name = models.CharField(max_length=9)
        state = models.CharField(max_length=6, choices=Ripeness)
        taste = models.CharField(max_length=6, choices=Ripeness)
        tree = models.ForeignKey(Tree, models.CASCADE, null=True)

        class Meta:
            app_label = "kit"

        def get_taste_display(self) -> str:
            return f"tastes {self.taste}"

        def shout(self) -> str:
            return self.name.upper()


class Fruits(tables.Table):
    name = tables.Column(linkify=lambda value: f"/{value}/")
    state = tables.Column()
    taste = tables.Column()
    age = tables.Column(accessor="tree__age")
    shout = tables.Column()
    missing = tables.Column(empty_values=())
    unsaid = tables.Column(accessor="nowhere", default="?")
    everything = tables.Column(accessor="pk")
    marked = tables.TemplateColumn("{{ record.name }}, {{ value }}", accessor="pk", extra_context={"a": 1})
    badge = tables.TemplateColumn(
        template_name="components/badge.html", extra_context={"label": "<b>"}, accessor="name"
    )
    turned = tables.TemplateColumn("{{ value }}", accessor="name")

    def render_missing(self, record, table) -> str:
        return f"{record.name} of {len(table.rows)}"

    def render_turned(self, value) -> str:
        return value[::-1]

    def render_everything(self, **facts) -> str:
        return " ".join(sorted(facts))


RECORDS = [
    Fruit(pk=1, name="Fig", state="ripe", taste="rotten", tree=Tree(pk=7, age="ripe")),
    Fruit(pk=2, name="", state="never seen", taste="ripe", tree=None),
]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("record", RECORDS, ids=["full", "with gaps"])
def test_every_cell_is_what_django_tables2_makes_of_it(record, language):
    table = Fruits([record], orderable=False)
    [row] = table.rows

    with translation.override(language):
        written = {column.name: str(writer_of(column)(row)) for column in table.columns}
        expected = {column.name: str(row.get_cell(column.name)) for column in table.columns}

    assert written == expected


def test_a_template_in_a_cell_sees_the_page_around_it_and_leaves_it_as_it_was():
    class Placed(tables.Table):
        name = tables.TemplateColumn("{{ mood }} {{ value }} {{ row_counter }}{{ request.path }}")

    table = Placed([{"name": "fig"}, {"name": "date"}], orderable=False)
    table.context = Context({"mood": "ripe", "value": "kept"})

    written = [writer_of(column)(row) for row in table.rows for column in table.columns]

    assert written == ["ripe fig 0", "ripe date 1"]
    assert table.context["value"] == "kept"


def test_cells_are_written_of_dictionaries_too():
    class Plain(tables.Table):
        name = tables.Column()
        missing = tables.Column()

    table = Plain([{"name": "Date"}], orderable=False)

    assert [writer_of(column)(row) for row in table.rows for column in table.columns] == ["Date", "—"]


def test_an_address_for_many_is_the_address_of_each():
    id = uuid4()

    assert addresses_of("messaging:message")(id) == reverse("messaging:message", args=[id])


def test_a_moment_is_written_in_the_language_and_by_the_clock_of_whoever_asks():
    at = datetime(2026, 11, 22, 15, 12, 59, tzinfo=UTC)

    with timezone.override("UTC"):
        assert moment(at) == "22 Nov 2026, 15:12"
        with translation.override("zh-hans"):
            assert moment(at) == "2026-11-22 15:12"
    with timezone.override("Asia/Shanghai"):
        assert moment(at) == "22 Nov 2026, 23:12"
