"""No log line says a whole number, a secret or the values of anybody's rows; ids, dates and amounts stay readable."""

import io
import json
import logging

import pytest

from kit.logs import ConsoleFormatter, JsonFormatter, clean


@pytest.fixture
def lines():
    """A logger of its own and what it wrote, as JSON."""
    log, stream = logging.getLogger("kit.tests.lines"), io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    log.addHandler(handler)
    log.propagate = False
    log.setLevel(logging.DEBUG)
    yield log, lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    log.removeHandler(handler)


@pytest.mark.parametrize(
    "text",
    [
        "+447400987654", "to +44 7400 987654.", "00447400987654", "447400987654", "%2B447400987654", "(+86) 138-0013-8000 x",
        "+8613800138000", "13800138000", "Key (number)=(+447400987654) exists", "+1 (212) 555-0100",
    ],
)  # fmt: skip
def test_numbers_to_call_are_taken_out(text):
    digits = "".join(letter for letter in clean(text) if letter.isdigit())

    assert len(digits) <= 2, clean(text)


@pytest.mark.parametrize(
    "text",
    [
        "019aab34-3df7-7d1e-9d3b-123456789012",
        "2026-11-22T20:03:22.608843Z",
        "engine_message_20261122",
        "127.0.0.1:54321",
        "took 12.345678901 s",
        "succeeded in 0.00439992351s: None",
        "price 1403090000000µ",
        "c-019aab34-3df7-7d1e-9d3b-0f8f0c1c7a11",
        "line 1234, 12345678 rows",
    ],
)
def test_ids_dates_and_amounts_stay(text):
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("key sb_live_abcDEF123 used", "abcDEF123"),
        ("whsec_q83vEjRWeJA= rotated", "q83vEjRWeJA"),
        ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
        ("postgres://worker:hunter2@db/signalbox", "hunter2"),
        ("sk_live_51Habc", "51Habc"),
        ("duplicate key\nDETAIL:  Failing row contains (7, Dear Ada, your code).\nHINT: none", "Dear Ada"),
        ("GET /search/?q=Ada+Lovelace&page=2", "Lovelace"),
    ],
)
def test_secrets_and_peoples_words_are_taken_out(text, secret):
    assert secret not in clean(text)


def test_every_field_is_cleaned_however_deep_and_private_ones_are_left_out(lines):
    log, written = lines

    log.warning(
        "refused for +447400987654",
        extra={
            "why": ["to +447400987654", {"also": "447400987654"}],
            "body": "Dear Ada",
            "recipient": "+447400987654",
            "count": 3,
        },
    )

    (line,) = written()
    assert "987654" not in json.dumps(line)
    assert (line["body"], line["recipient"], line["count"]) == ("…", "…", 3)
    assert line["event"].startswith("refused for")
    assert line["logger"] == "kit.tests.lines"


def test_an_exception_is_told_without_the_values_it_names(lines):
    log, written = lines

    said = "bad value\nDETAIL:  Key (number)=(+447400987654) for Dear Ada"
    try:
        raise ValueError(said)
    except ValueError:
        log.exception("it failed")

    (line,) = written()
    assert "ValueError: bad value" in line["exception"]
    assert "987654" not in line["exception"]
    assert "Dear Ada" not in line["exception"]


def test_lines_for_people_are_cleaned_too():
    record = logging.LogRecord("kit", logging.INFO, "f", 1, "to +447400987654", (), None)

    text = ConsoleFormatter().format(record)

    assert "987654" not in text
    assert not text.startswith("{")
