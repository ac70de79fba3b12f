"""The count beside the editor: segments, Unicode, hints and words on the list, while a text is typed."""

import pytest

from accounts.tests.factories import make_customer, signed_in
from messaging.content.tests.factories import (
    approved_sender,
    watch_for,
)
from messaging.content.tests.pages import page, typed, variable

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Hello", {"encoding": "gsm7", "segments": {"shortest": 1, "typical": 1, "longest": 1}}),
        ("x" * 150 + "{name}", {"encoding": "gsm7", "segments": {"shortest": 1, "typical": 1, "longest": 2}}),
        ("x" * 80 + "’", {"encoding": "ucs2", "segments": {"shortest": 2, "typical": 2, "longest": 2}}),
    ],
)
def test_the_count_answers_scripts_with_json(body, expected):
    client = signed_in(make_customer())

    answer = client.post(page("count"), typed(body=body) | variable("name"), headers={"accept": "application/json"})

    assert answer.json() | expected == answer.json()


def test_the_count_names_the_character_that_forces_unicode_and_what_it_would_save():
    client = signed_in(make_customer())
    body = "x " * 45 + "we’ve"

    content = client.post(page("count"), typed(body=body)).content.decode()

    assert "“’” makes this Unicode" in content
    assert "Character 93, in “we’ve” (U+2019)" in content
    assert "With plain characters it takes 1 instead of 2." in content


def test_the_count_includes_the_signature_and_says_that_it_forces_unicode():
    customer = make_customer()
    sender = approved_sender(customer)
    client = signed_in(customer)

    content = client.post(page("count"), typed(body="x" * 62, sender=str(sender.pk))).content.decode()

    assert "2 segments" in content and "brackets 【】" in content


def test_the_count_shows_hints_and_words_on_the_list():
    watch_for("casino")
    client = signed_in(make_customer())

    content = client.post(page("count"), typed(body="Our casino is open", category="promotion")).content.decode()

    assert "Blocked word: “casino”" in content
    assert "A promotion must say how to opt out" in content


def test_ten_thousand_variables_get_an_answer():
    client = signed_in(make_customer())
    body = "".join(f"{{v{number}}}" for number in range(10_000))

    assert client.post(page("template_new"), typed(body=body)).status_code == 422
    assert client.post(page("count"), typed(body=body)).status_code == 200
