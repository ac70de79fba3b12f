"""Widgets written by hand are, to the letter, what Django's templates make of them."""

from datetime import date
from decimal import Decimal

import pytest
from django import forms
from django.forms.renderers import TemplatesSetting
from django.utils.functional import lazy
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from kit.forms import ConsoleRenderer

lazy_mark = lazy(mark_safe, SafeString)
SHARP = "\"<b>'&"
CHOICES = [
    ("", "—"),
    (SHARP, SHARP),
    (3, 30_000),
    ("mark", mark_safe("<i>&amp;</i>")),
    ("lazy", _("Date")),
    ("safe", lazy_mark("&amp;")),
]
GROUPED = [(SHARP, CHOICES), ("plain", "Plain"), ("", [("in none", "In none")])]
ATTRIBUTES = {"class": "in", "required": True, "disabled": False, "data-x": SHARP, "size": 3, "title": _("Date")}


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize(
    ("widget", "value"),
    [
        (forms.TextInput(), None),
        (forms.TextInput(ATTRIBUTES), SHARP),
        (forms.TextInput(ATTRIBUTES), mark_safe("&lt;safe&gt;")),
        (forms.TextInput(), ""),
        (forms.TextInput(), False),
        (forms.EmailInput(ATTRIBUTES), "jo@example.org"),
        (forms.NumberInput({"step": "any"}), Decimal("12345.600")),
        (forms.NumberInput(), 12_345),
        (forms.URLInput(), _("Date")),
        (forms.HiddenInput(), 7),
        (forms.PasswordInput(render_value=True), SHARP),
        (forms.DateInput({"type": "date"}, format="%Y-%m-%d"), date(2026, 11, 23)),
        (forms.DateInput(), date(2026, 11, 23)),
        (forms.Select(ATTRIBUTES, choices=CHOICES), SHARP),
        (forms.Select(choices=CHOICES), None),
        (forms.Select(choices=GROUPED), 3),
        (forms.SelectMultiple(ATTRIBUTES, choices=GROUPED), ["mark", "plain"]),
        (forms.NullBooleanSelect(), True),
        (forms.CheckboxInput(ATTRIBUTES), True),
        (forms.RadioSelect(choices=CHOICES), "lazy"),
        (forms.Textarea(ATTRIBUTES), SHARP),
    ],
)
def test_a_widget_looks_as_its_template_makes_it(widget, value, language):
    with override(language):
        by_hand = widget.render("na&me", value, renderer=ConsoleRenderer())

        assert by_hand == widget.render("na&me", value, renderer=TemplatesSetting())


def test_an_option_with_a_template_of_its_own_keeps_it():
    class Marked(forms.Select):
        option_template_name = "django/forms/widgets/radio_option.html"

    widget = Marked(choices=CHOICES)

    assert widget.render("name", "", renderer=ConsoleRenderer()) == widget.render(
        "name", "", renderer=TemplatesSetting()
    )
