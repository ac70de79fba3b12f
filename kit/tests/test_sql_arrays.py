"""Array literals say exactly what lists do."""

import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.sql import array, rows, text_array

pytestmark = pytest.mark.django_db
TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30), max_size=5)
AS_IT_IS = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@AS_IT_IS
@given(values=TEXTS)
def test_any_text_comes_back_as_it_was(values):
    assert rows("SELECT %s::text[]", [text_array(values)]) == [(values,)]


@pytest.mark.parametrize(
    "values", [[""], ["", ""], ["NULL"], ['a"b', "a\\b", "{a,b}", "a,b"], ["\\\\"], ["\n", " "], []]
)
def test_what_means_something_in_a_literal_is_text_all_the_same(values):
    assert rows("SELECT %s::text[]", [text_array(values)]) == [(values,)]


@pytest.mark.parametrize("values", [[], [""], ["a", "", "b"]])
def test_what_can_be_read_only_once_is_the_same(values):
    assert rows("SELECT %s::text[]", [text_array(iter(values))]) == [(values,)]


def test_ids_numbers_and_gaps():
    ids = [uuid.uuid4(), None, uuid.uuid4()]

    assert rows("SELECT %s::uuid[], %s::int[], %s::boolean[]", [array(ids), array([1, -2]), array([True, False])]) == [
        (ids, [1, -2], [True, False])
    ]
