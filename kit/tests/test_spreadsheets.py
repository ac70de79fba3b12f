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
        ("minus with more", "-2+3", "'-2+3"),
        ("a number that goes on", "+1-415", "'+1-415"),
        ("tab", "\tx", "'\tx"),
        ("tab and formula", "\t=1", "'\t=1"),
        ("return", "\rx", "'\rx"),
        ("behind blanks", "  =1", "'  =1"),
        ("full width", "＝1", "'＝1"),
        ("behind a blank and a NUL", " \0=1", "' =1"),
        ("a negative amount", "-4.25", "-4.25"),
        ("a number to call", "+8613812345678", "+8613812345678"),
        ("a number to call, with blanks", "+86 138 1234 5678", "+86 138 1234 5678"),
        ("NUL inside", "a\0b", "ab"),
        ("plain", "Top-up", "Top-up"),
        ("plain Chinese", "王小红", "王小红"),
    ],
)
def test_no_cell_is_run_by_a_spreadsheet(_case, value, written):
    assert safe_cell(value) == written


def test_a_file_tells_excel_that_it_is_utf_8():
    lines = list(csv_lines([(2, "暂无", "not_a_number")], header=("row", "number", "reason")))

    assert lines == ["\ufeffrow,number,reason\r\n", "2,暂无,not_a_number\r\n"]


def test_cells_come_back_as_they_were():
    text = "".join(csv_lines([["a,b", 'say "x"\nnow']], header=["One", "Two"]))

    assert list(csv.reader(io.StringIO(text.removeprefix("\ufeff")))) == [["One", "Two"], ["a,b", 'say "x"\nnow']]
