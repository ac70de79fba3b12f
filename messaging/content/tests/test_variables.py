import time
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.content.rules.variables import (
    MESSAGES,
    BodyError,
    Placeholder,
    Text,
    ValueRefused,
    VariableProblem,
    VariableSpec,
    check_specs,
    check_values,
    compile_body,
    names,
    parse,
    specs_from,
)


@pytest.mark.parametrize(
    "_case, body, parts",
    [
        ("nothing", "", ()),
        ("wording", "Hello", (Text("Hello"),)),
        ("one", "Hi {name}!", (Text("Hi "), Placeholder("name"), Text("!"))),
        ("side by side", "{a}{b}", (Placeholder("a"), Placeholder("b"))),
        ("Chinese and numbered", "{姓名}{1}", (Placeholder("姓名"), Placeholder("1"))),
        ("braces that stay", "{{name}}", (Text("{name}"),)),
        ("a variable in braces that stay", "{{{name}}}", (Text("{"), Placeholder("name"), Text("}"))),
        ("lines", "a\n{b}\r\nc", (Text("a\n"), Placeholder("b"), Text("\r\nc"))),
        ("format syntax is nothing special", "%s $x ${y}", (Text("%s $x $"), Placeholder("y"))),
    ],
)
def test_a_body_is_wording_and_places(_case, body, parts):
    assert parse(body) == parts


@pytest.mark.parametrize(
    "_case, body, code, position",
    [
        ("left open", "Hi {name", "brace", 3),
        ("closed twice", "Hi {name}}", "brace", 9),
        ("closed only", "Hi name}", "brace", 7),
        ("empty", "Hi {}", "name", 3),
        ("a space", "Hi {first name}", "name", 3),
        ("an attribute", "{name.__class__}", "name", 0),
        ("an index", "{name[0]}", "name", 0),
        ("a conversion", "{name!r}", "name", 0),
        ("a format", "{name:>9999999}", "name", 0),
        ("one in another", "{a{b}}", "brace", 0),
        ("a long name", "{" + "a" * 41 + "}", "name", 0),
        ("too many", "".join(f"{{v{n}}}" for n in range(51)), "too_many", 0),
        ("too long", "a" * 2_001, "body_too_long", 2_000),
        ("NUL", "a\0b", "body_character", 1),
        ("escape", "a\x1bb", "body_character", 1),
        ("tab", "a\tb", "body_character", 1),
        ("a direction override", "a\u202eb", "body_character", 1),
        ("half a character", "a\ud800", "body_character", 1),
    ],
)
def test_a_body_that_is_no_template_says_where_and_why(_case, body, code, position):
    with pytest.raises(BodyError) as refusal:
        parse(body)

    assert (refusal.value.code, refusal.value.position) == (code, position)
    assert refusal.value.message


def test_fifty_variables_and_2000_characters_are_allowed():
    body = "".join(f"{{v{n}}}" for n in range(50)) + "{v0}" * 10

    assert len(names(body)) == 50
    assert names("a" * 2_000) == ()


def test_names_come_once_and_in_order():
    assert names("{b} {a} {b}") == ("b", "a")


def test_values_are_put_in_everywhere():
    body = compile_body("Dear {name}, your code is {code}. Bye, {name}.")

    assert body.names == ("name", "code")
    assert body.render({"name": "Ada", "code": "0042"}) == "Dear Ada, your code is 0042. Bye, Ada."


@pytest.mark.parametrize("value", ["{code}", "{{x}}", "%(code)s", "{0.__class__}", "\\1", "$code", "}", "{"])
def test_a_value_is_never_looked_at_again(value):
    assert compile_body("{name}/{code}").render({"name": value, "code": "1"}) == f"{value}/1"


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"]), min_size=1, max_size=500))
def test_any_ordinary_value_comes_out_as_it_went_in(value):
    rendered = compile_body("<{v}>").render({"v": value}) if not value.isspace() else f"<{value}>"

    assert rendered == f"<{value}>"


@pytest.mark.parametrize(
    "_case, value, shown",
    [
        ("whole number", 42, "42"),
        ("decimal", Decimal("19.90"), "19.90"),
        ("large decimal", Decimal("1E+3"), "1000"),
        ("date", date(2026, 11, 22), "2026-11-22"),
        ("moment", datetime(2026, 11, 22, 9, 30, tzinfo=UTC), "2026-11-22 09:30+00:00"),
    ],
)
def test_numbers_and_dates_are_written_out(_case, value, shown):
    assert compile_body("{v}").render({"v": value}) == shown


@pytest.mark.parametrize(
    "_case, values, code",
    [
        ("not there", {}, "missing"),
        ("nothing", {"v": None}, "missing"),
        ("empty", {"v": ""}, "missing"),
        ("white space", {"v": " \u3000"}, "missing"),
        ("long", {"v": "x" * 501}, "too_long"),
        ("NUL", {"v": "a\0"}, "nul"),
        ("line break", {"v": "a\nb"}, "control_character"),
        ("escape", {"v": "\x1b[31m"}, "control_character"),
        ("C1 control", {"v": "\x85x"}, "control_character"),
        ("line separator", {"v": "a\u2028b"}, "control_character"),
        ("direction override", {"v": "\u202egpj.exe"}, "control_character"),
        ("half a character", {"v": "\udc00"}, "lone_surrogate"),
        ("a float has no one way to be shown", {"v": 0.1}, "wrong_type"),
        ("truth", {"v": True}, "wrong_type"),
        ("list", {"v": ["a"]}, "wrong_type"),
        ("bytes", {"v": b"a"}, "wrong_type"),
        ("a number of a million digits", {"v": Decimal("1E+1000000")}, "wrong_type"),
        ("no number", {"v": Decimal("NaN")}, "wrong_type"),
        ("a huge number", {"v": 10**5000}, "wrong_type"),
    ],
)
def test_a_value_no_text_can_carry_is_refused_by_name(_case, values, code):
    with pytest.raises(ValueRefused) as refusal:
        compile_body("Hi {v}").render(values)

    assert [(problem.variable, problem.code) for problem in refusal.value.problems] == [("v", code)]
    assert "v" in refusal.value.problems[0].message
    assert [p.code for p in check_values([VariableSpec("v")], values)] == [code]


TYPES = {
    "number": (["0", "42", "-3.5", "1,234,567.89", "+7"], ["", "4 2", "1,23", "1e5", "٣", "one", "0x1f", "1.", "--1"]),
    "code": (["0042", "A1B2", "123-456", "x"], ["12 34", "-12", "12-", "code!", "１２３", "a" * 21, "http://a.test"]),
    "date": (["2026-11-22", "22/11/2026 14:30", "2026年11月22日", "22 août 2026", "9am"], ["tomorrow", "22\u00a0<b>", "2" * 41]),
    "amount": (
        ["19.90", "¥1,234.50", "$20", "20 USD", "EUR 20,50", "1 234,50 €", "88元", "HK$5", "15%", "-3"],
        ["free", "$", "20 dollars", "1.234.567,00", "20$$", "¥¥5"],
    ),
    "link": (
        ["https://kestrel.example/a?b=c", "http://a.test", "https://例子.测试/x"],
        ["kestrel.example", "javascript:alert(1)", "ftp://a.test", "https://", "https://a b.test", "//a.test", "http://[::1"],
    ),
    "text": (["anything at all", "{x}", "😀"], []),
}  # fmt: skip


@pytest.mark.parametrize("type, value", [(type, value) for type, (good, _) in TYPES.items() for value in good])
def test_a_value_of_its_type_is_taken(type, value):
    assert check_values([VariableSpec("v", type)], {"v": value}) == []


@pytest.mark.parametrize("type, value", [(t, value) for t, (_, bad) in TYPES.items() for value in bad if value])
def test_a_value_of_another_type_is_refused(type, value):
    assert [problem.code for problem in check_values([VariableSpec("v", type)], {"v": value})] == ["wrong_type"]


def test_every_problem_of_a_recipient_is_told_at_once():
    specs = [VariableSpec("name", max_length=5), VariableSpec("code", "code"), VariableSpec("when", "date")]

    problems = check_values(specs, {"name": "Ada Lovelace", "code": "!", "extra": "x"})

    assert problems == [
        VariableProblem("name", "too_long", {"limit": 5}),
        VariableProblem("code", "wrong_type", {"type": "code"}),
        VariableProblem("when", "missing"),
        VariableProblem("extra", "unknown"),
    ]
    assert problems[0].message == "The value of “name” is longer than 5 characters."


def test_ten_thousand_values_are_one_problem():
    problems = check_values([VariableSpec("v")], {f"v{n}": "x" for n in range(10_000)})

    assert [problem.code for problem in problems] == ["too_many"]


@pytest.mark.parametrize(
    "_case, body, specs, problems",
    [
        ("all described", "{a}", [VariableSpec("a", example="x")], []),
        ("not described", "{a}{b}", [VariableSpec("a", example="x")], [("b", "undescribed")]),
        ("no example", "{a}", [VariableSpec("a")], [("a", "undescribed")]),
        ("described twice", "{a}", [VariableSpec("a", example="x")] * 2, [("a", "described_twice")]),
        ("not in the text", "hi", [VariableSpec("a", example="x")], [("a", "unused")]),
        ("no such type", "{a}", [VariableSpec("a", "colour", "red")], [("a", "unknown_type")]),
        ("a wrong example", "{a}", [VariableSpec("a", "number", "x")], [("a", "bad_example")]),
        ("a long example", "{a}", [VariableSpec("a", "text", "xxx", 2)], [("a", "bad_example")]),
        ("no room", "{a}", [VariableSpec("a", "text", "x", 0)], [("a", "bad_limit")]),
        ("too much room", "{a}", [VariableSpec("a", "text", "x", 501)], [("a", "bad_limit")]),
    ],
)
def test_specs_must_describe_the_body(_case, body, specs, problems):
    found = check_specs(body, specs)

    assert [(problem.variable, problem.code) for problem in found] == problems
    assert all(problem.message for problem in found)


def test_stored_specs_are_read_with_their_defaults():
    rows = [{"name": "a"}, {"name": "b", "type": "code", "example": "1", "max_length": 6}]

    assert specs_from(rows) == (VariableSpec("a"), VariableSpec("b", "code", "1", 6))


def test_every_message_can_be_filled_in():
    details = {"variable": "v", "limit": 1, "type": "code", "character": "U+0000"}

    assert all(message % details for message in MESSAGES.values())


@pytest.mark.parametrize(
    "value", ["1" * 500, "1," * 250, " " * 499 + "x", "-" * 500, "a-" * 250, "https://" + "a" * 490]
)
@pytest.mark.parametrize("type", list(TYPES))
def test_hostile_values_are_judged_quickly(type, value):
    began = time.process_time()

    check_values([VariableSpec("v", type)], {"v": value})

    assert time.process_time() - began < 0.1
