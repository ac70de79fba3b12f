"""What is an id, and what only looks like one."""

from uuid import UUID

import pytest

from kit.ids import id_in

TEXT = "0199a3c4-5d6e-7f80-9abc-def012345678"


BARE = TEXT.replace("-", "")


@pytest.mark.parametrize("text", [TEXT, TEXT.upper(), BARE, BARE.upper(), TEXT[:9] + TEXT[9:].upper()])
def test_an_id_is_read_with_or_without_hyphens_in_small_letters_or_capitals(text):
    assert id_in(text) == UUID(TEXT)


@pytest.mark.parametrize(
    ("_case", "text"),
    [
        ("nothing", ""),
        ("a word", "welcome"),
        ("some of the hyphens", TEXT.replace("-", "", 1)),
        ("hyphens elsewhere", "0199-a3c45d6e-7f80-9abc-def012345678"),
        ("braces", f"{{{TEXT}}}"),
        ("a URN", f"urn:uuid:{TEXT}"),
        ("blanks around", f" {TEXT} "),
        ("underscores between the digits", "0_99a3c4-5d6e-7f80-9abc-def012345678"),
        ("digits of another script", TEXT.replace("0", "٠")),
        ("a digit too many", TEXT + "0"),
        ("a digit too few", BARE[:-1]),
        ("a line's end", BARE + "\n"),
    ],
)
def test_what_is_written_otherwise_is_no_id(_case, text):
    assert id_in(text) is None
