"""The rows that could not be used, as a CSV a person can open, mend and import again."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from .tally import DUPLICATE, UNUSABLE, Verdict

#: What spreadsheets take for the start of a formula, also in full-width form.
_FORMULA = re.compile(r"[\s\0]*[=+\-@\t\r\n＝＋－＠]|[\s\0]*[\t\r]")
_PHONE = re.compile(r"\+\d[\d ]{4,24}", re.ASCII)
#: As much of a cell as a report repeats.
_LONGEST_CELL = 200


def error_report(verdicts: Iterable[Verdict]) -> Iterator[tuple[int, str, str]]:
    """(row, number as typed, reason code) of every row that was not used and not blank; for a duplicate the code is
    `duplicate_of_row_12`."""
    for verdict in verdicts:
        if verdict.status == UNUSABLE:
            yield verdict.row, verdict.typed, verdict.reason
        elif verdict.status == DUPLICATE:
            yield verdict.row, verdict.typed, f"duplicate_of_row_{verdict.first_row}"


def csv_text(rows: Iterable[Sequence[object]], *, header: Sequence[str]) -> Iterator[str]:
    """The lines of a CSV file, each cell safe to open in a spreadsheet; begins with the mark that tells Excel UTF-8."""
    yield "\ufeff" + _line(header)
    for row in rows:
        yield _line(row)


def _line(cells: Sequence[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([safe_cell(str(cell)) for cell in cells])
    return line.getvalue()


def safe_cell(text: str) -> str:
    """`text` so that no spreadsheet runs it: an apostrophe before what would be a formula.

    Numbers such as +8613812345678 stay as they are, because they can only be read as numbers.
    """
    text = text.replace("\0", "")[:_LONGEST_CELL]
    if _FORMULA.match(text) and not _PHONE.fullmatch(text):
        return "'" + text
    return text
