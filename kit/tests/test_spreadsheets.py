import csv
import io

import pytest

from kit.spreadsheets import csv_lines, safe_cell


@pytest.mark.parametrize(
    "_case, value, written",
    [
        ("formula", "=1+1", "'=1+1"),
        ("at", "@SUM(A1)", "'@SUM(A1)"),
        ("plus with words", "+1 cmd|' /C calc'!A0", "'+1 cmd|' /C calc'!A0"),
        ("tab", "\tx", "'\tx"),
        ("full width", "＝1", "'＝1"),
        ("behind a blank and a NUL", " \0=1", "' =1"),
        ("a negative amount", "-4.25", "-4.25"),
        ("a number to call", "+8613812345678", "+8613812345678"),
        ("plain", "Top-up", "Top-up"),
    ],
)
def test_no_cell_is_run_by_a_spreadsheet(_case, value, written):
    assert safe_cell(value) == written


def test_cells_come_back_as_they_were():
    text = "".join(csv_lines([["a,b", 'say "x"\nnow']], header=["One", "Two"]))

    assert list(csv.reader(io.StringIO(text.removeprefix("\ufeff")))) == [["One", "Two"], ["a,b", 'say "x"\nnow']]
