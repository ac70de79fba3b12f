"""Countries as the wizard lists them: by the name the reader sees."""

import pytest
from django.utils import translation

from messaging.campaigns.models import RecipientFile
from messaging.campaigns.regions import region_choices
from messaging.campaigns.views.recipients import SHOWN_COUNTRIES, countries_of

TALLY = {"CN": 301, "GB": 35, "SG": 27, "US": 21, "DE": 19, "JE": 4, "GG": 3}


@pytest.mark.parametrize(
    "language, names",
    [
        ("en", ["China", "Germany", "Guernsey", "Jersey", "Singapore", "United Kingdom", "United States"]),
        ("zh-hans", ["德国", "根西岛", "美国", "新加坡", "英国", "泽西岛", "中国"]),
    ],
)
def test_recipients_by_country_are_in_the_order_of_the_names_the_reader_sees(language, names):
    with translation.override(language):
        listed = countries_of(RecipientFile(tally={"by_country": TALLY}))

    assert [name for name, _count in listed] == names
    assert sum(count for _name, count in listed) == sum(TALLY.values())


def test_of_many_countries_those_with_most_recipients_are_listed():
    few = {"AD": 1, "AT": 1}
    many = dict.fromkeys(("CN", "GB", "SG", "US", "DE", "HK", "JE", "GG"), 10)

    listed = countries_of(RecipientFile(tally={"by_country": few | many}))

    assert len(listed) == SHOWN_COUNTRIES
    assert {count for _name, count in listed} == {10}


@pytest.mark.parametrize(
    "language, some",
    [
        (
            "en",
            ["Åland Islands +358", "Austria +43", "Côte d'Ivoire +225", "Germany +49", "Guernsey +44", "Jersey +44"],
        ),
        ("zh-hans", ["澳大利亚 +61", "德国 +49", "根西岛 +44", "英国 +44", "泽西岛 +44", "中国 +86"]),
    ],
)
def test_the_country_of_numbers_is_chosen_by_the_name_the_reader_sees(language, some):
    with translation.override(language):
        labels = [label for _code, label in region_choices()]

    assert [label for label in labels if label in some] == some


def test_plans_without_a_name_come_last():
    with translation.override("en"):
        last = [label for _code, label in region_choices()][-3:]

    assert last == ["AC +247", "TA +290", "XK +383"]
