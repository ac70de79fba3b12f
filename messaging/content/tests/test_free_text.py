"""Free text goes out only when it is an approved wording with values in it."""

import time

import pytest

from accounts.tests.factories import make_customer
from messaging.content.actions import archive_template
from messaging.content.errors import NotApproved
from messaging.content.free_text import free_text_allowed
from messaging.content.tests.factories import approved_sender, approved_version, submitted_version

pytestmark = pytest.mark.django_db

CODE = {"name": "code", "type": "code", "example": "123456", "max_length": 8}


@pytest.mark.parametrize(
    ("body", "text", "values"),
    [
        ("We open at nine.", "We open at nine.", {}),
        ("We open at nine.", "【Kestrel】We open at nine.", {}),
        ("Hi {name}, welcome.", "Hi Anna Maria, welcome.", {"name": "Anna Maria"}),
        ("Hi {name}, welcome, bye.", "Hi A, welcome, welcome, bye.", {"name": "A, welcome"}),
        ("{code} is your code.", "482913 is your code.", {"code": "482913"}),
        ("{name}{code}", "Anna1", {"name": "Ann", "code": "a1"}),
        ("{name} and {name}", "Bo and Bo", {"name": "Bo"}),
        ("Save 20% {{now}}", "Save 20% {now}", {}),
        ("One\ntwo", "One\r\ntwo", {}),
    ],
)
def test_text_that_is_an_approved_wording_is_found_with_its_values(body, text, values):
    customer = make_customer()
    sender = approved_sender(customer)
    version = approved_version(customer, body=body, variables=[CODE] if "{code}" in body else None)

    found = free_text_allowed(customer, text, sender)

    assert found.version == version
    if body == "{name}{code}":  # more than one way to read it: any will do
        assert "".join(found.values.values()) == text
    else:
        assert found.values == values


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("We open at nine.", "We open at ten."),
        ("We open at nine.", "We open at nine. And more."),
        ("We open at nine.", "we open at nine."),
        ("Hi {name}.", "Hi ."),
        ("Hi {name}.", "Hi " + "x" * 21 + "."),
        ("Hi {name}.", "Hi two\nlines."),
        ("{code} is your code.", "not a code! is your code."),
        ("{name} and {name}", "Bo and Jo"),
        ("We open at nine.", ""),
        ("We open at nine.", "x" * 100_000),
    ],
)
def test_any_other_text_is_refused(body, text):
    customer = make_customer()
    approved_version(customer, body=body, variables=[CODE] if "{code}" in body else None)

    with pytest.raises(NotApproved) as refusal:
        free_text_allowed(customer, text, approved_sender(customer))

    assert refusal.value.details == {"what": "text"}


def test_only_the_organisations_own_approved_templates_in_use_count():
    customer, text = make_customer(), "We open at nine."
    submitted_version(customer, body=text)
    approved_version(make_customer(), body=text)
    archived = approved_version(customer, body=text)
    archive_template(template=archived.template, by=archived.author)

    with pytest.raises(NotApproved):
        free_text_allowed(customer, text, approved_sender(customer))


def test_many_variables_side_by_side_do_not_take_for_ever():
    customer = make_customer()
    body = "".join(f"{{v{n}}}" for n in range(20)) + "!"
    variables = [{"name": f"v{n}", "type": "text", "example": "a", "max_length": 60} for n in range(20)]
    approved_version(customer, body=body, variables=variables)
    started = time.perf_counter()

    with pytest.raises(NotApproved):
        free_text_allowed(customer, "a" * 1000 + "?", approved_sender(customer))

    assert time.perf_counter() - started < 2
