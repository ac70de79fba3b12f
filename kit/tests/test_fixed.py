"""Parts of a page that are the same for everybody."""

from django.template import Context, Template
from django.test import RequestFactory
from django.utils import translation

PAGE = "{% load fixed i18n icons %}{% fixed %}{% translate 'Search' %}{{ name }}{{ request.path }}{% endfixed %}|{{ name }}"


def test_what_is_fixed_sees_nothing_of_the_page_around_it():
    page = Template(PAGE)
    request = RequestFactory().get("/secret/")

    shown = [page.render(Context({"name": name, "request": request})) for name in ("Meadowlark", "Northwind")]

    assert shown == ["Search|Meadowlark", "Search|Northwind"]


def test_what_is_fixed_speaks_the_language_of_whoever_asks():
    page = Template(PAGE)

    english = page.render(Context())
    with translation.override("zh-hans"):
        chinese = page.render(Context())

    assert (english, chinese) == ("Search|", f"{translated('Search')}|")
    assert page.render(Context()) == english


def test_what_is_fixed_may_include_other_templates():
    page = Template('{% load fixed %}{% fixed %}{% include "shell/_theme.html" with class="hide-m" %}{% endfixed %}')

    assert 'class="ib hide-m"' in page.render(Context())


def translated(text: str) -> str:
    with translation.override("zh-hans"):
        said = translation.gettext(text)
    assert said != text
    return said
