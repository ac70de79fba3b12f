"""Rendering fast gives what rendering slowly gives."""

from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.content.compiled import CompiledVersion
from messaging.content.models import SenderId
from messaging.content.rules.segments import count_segments, with_sender
from messaging.content.rules.variables import ValueRefused, VariableSpec, compile_body

SIGNATURE = SenderId(kind="signature", name="Kestrel")
NAME = SenderId(kind="alphanumeric", name="Kestrel")


def make_compiled(body, *names, longest=500):
    specs = tuple(VariableSpec(name, "text", "x", longest) for name in names)
    return CompiledVersion(
        id=uuid4(), template_id=uuid4(), organisation_id=uuid4(), category="notice", body=body, specs=specs
    )


@pytest.mark.parametrize(
    ("body", "values", "sender", "text", "is_unicode", "segments"),
    [
        ("Hi {a}", {"a": "Bo"}, NAME, "Hi Bo", False, 1),
        ("Hi {a}", {"a": "Bo"}, SIGNATURE, "【Kestrel】Hi Bo", True, 1),
        ("Hi {a}", {"a": "李"}, NAME, "Hi 李", True, 1),
        ("{a}{a}", {"a": "x" * 81}, NAME, "x" * 162, False, 2),
        ("{a}", {"a": "x" * 160}, NAME, "x" * 160, False, 1),
        ("€ {a}", {"a": "x" * 158}, NAME, "€ " + "x" * 158, False, 2),
        ("字{a}", {"a": "x" * 69}, NAME, "字" + "x" * 69, True, 1),
        ("字{a}", {"a": "x" * 70}, NAME, "字" + "x" * 70, True, 2),
        ("字{a}", {"a": "x" * 65 + "😀" + "x" * 67}, NAME, "字" + "x" * 65 + "😀" + "x" * 67, True, 3),
        ("【Kestrel】Hi {a}", {"a": "Bo"}, SIGNATURE, "【Kestrel】Hi Bo", True, 1),
        ("{a} hi", {"a": "【Kestrel】"}, SIGNATURE, "【Kestrel】 hi", True, 1),
        ("{a} hi", {"a": "Bo"}, SIGNATURE, "【Kestrel】Bo hi", True, 1),
        ("{{{a}}}", {"a": 7}, NAME, "{7}", False, 1),
        ("No values", {}, None, "No values", False, 1),
    ],
)
def test_rendered_texts(body, values, sender, text, is_unicode, segments):
    assert make_compiled(body, *values).render(values, sender) == (text, is_unicode, segments)


PIECES = st.text(st.sampled_from("ab é€[字，😀𠀀\n【K】"), max_size=90)
VALUES = st.text(st.sampled_from("ab é€[字😀【Kestrel】"), min_size=1, max_size=90).filter(
    lambda text: not text.isspace()
)


@settings(max_examples=400, deadline=None)
@given(PIECES, PIECES, PIECES, VALUES, VALUES, st.sampled_from([SIGNATURE, NAME, None]))
def test_the_fast_way_agrees_with_the_rules(before, between, after, one, two, sender):
    body = f"{before}{{one}}{between}{{two}}{after}"
    values = {"one": one, "two": two}

    rendered = make_compiled(body, "one", "two").render(values, sender)

    signature = "Kestrel" if sender is SIGNATURE else ""
    expected = with_sender(signature, compile_body(body).render(values))
    size = count_segments(expected)
    assert rendered == (expected, size.encoding == "ucs2", size.segments)


@pytest.mark.parametrize("values", [{}, {"a": ""}, {"a": "x" * 21}, {"a": "x\x00"}, {"a": "x", "b": "y"}, {"a": []}])
def test_values_that_cannot_be_sent_are_refused(values):
    with pytest.raises(ValueRefused):
        make_compiled("Hi {a}", "a", longest=20).render(values)
