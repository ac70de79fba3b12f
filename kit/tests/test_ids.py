"""What is an id, and what only looks like one."""

from uuid import UUID

import pytest

from kit.ids import id_in

TEXT = "0199a3c4-5d6e-7f80-9abc-def012345678"


@pytest.mark.parametrize("text", [TEXT, TEXT.upper()])
def test_an_id_is_read_from_how_ids_are_written(text):
    assert id_in(text) == UUID(TEXT)


@pytest.mark.parametrize(
    ("_case", "text"),
    [
        ("nothing", ""),
        ("a word", "welcome"),
        ("no hyphens", TEXT.replace("-", "")),
        ("braces", f"{{{TEXT}}}"),
        ("a URN", f"urn:uuid:{TEXT}"),
        ("blanks around", f" {TEXT} "),
        ("underscores between the digits", "0_99a3c4-5d6e-7f80-9abc-def012345678"),
        ("digits of another script", TEXT.replace("0", "٠")),
        ("a digit too many", TEXT + "0"),
    ],
)
def test_what_is_written_otherwise_is_no_id(_case, text):
    assert id_in(text) is None
