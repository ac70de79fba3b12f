"""CSV that opens in any spreadsheet and runs in none."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

#: What spreadsheets take for the start of a formula, also in full-width form and behind blanks.
_FORMULA = re.compile(r"[\s\0]*[=+\-@\t\r\n＝＋－＠]")
#: Amounts, minus signs and all, and numbers to call: they can only be read as numbers.
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?|\+\d[\d ]{4,24}", re.ASCII)


def csv_lines(rows: Iterable[Sequence[object]], *, header: Sequence[object]) -> Iterator[str]:
    """The lines of a CSV file, each cell safe; begins with the mark that tells Excel it is UTF-8."""
    yield "\ufeff" + _line(header)
    for row in rows:
        yield _line(row)


def safe_cell(value: object) -> str:
    """The value as text that no spreadsheet runs: an apostrophe before what would be a formula."""
    text = str(value).replace("\0", "")
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return "'" + text
    return text


def _line(cells: Sequence[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([safe_cell(cell) for cell in cells])
    return line.getvalue()
