"""The door to reading recipient files: what is it (`sniff`), its rows (`read_rows`), whose numbers (`tally`).

shape = sniff(path, filename)
mapping = guess_columns(shape.header, shape.sample, "CN")
tally = Tally(mapping, default_region="CN")
for verdict in tally.read(read_rows(path, shape)):
    ...
tally.summary()
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from .columns import ColumnMapping, guess_columns
from .shapes import BLANK_TAIL, DEFAULT_LIMITS, REFUSALS, FileRefused, FileShape, Limits, Row
from .sniff import sniff
from .tally import Summary, Tally, Verdict
from .text_files import read_text_rows
from .workbooks import Workbook

__all__ = [
    "DEFAULT_LIMITS",
    "REFUSALS",
    "ColumnMapping",
    "FileRefused",
    "FileShape",
    "Limits",
    "Row",
    "Summary",
    "Tally",
    "Verdict",
    "guess_columns",
    "read_rows",
    "sniff",
]


def read_rows(path: str | Path, shape: FileShape, *, limits: Limits = DEFAULT_LIMITS) -> Iterator[Row]:
    """The data rows of a file (its header left out), one at a time, numbered as a spreadsheet numbers them.

    Blank rows between others are rows; blank rows at the end are not. Raises FileRefused naming the row where the
    file turns out to be unreadable, so a caller stores what it read in one transaction or remembers how far it got.
    """
    path = Path(path)
    if shape.kind == "xlsx":
        with Workbook(path, limits=limits) as book:
            yield from _data_rows(book.rows(book.sheet_named(shape.sheet)), shape, limits)
    else:
        yield from _data_rows(read_text_rows(path, shape, limits=limits), shape, limits)


def _data_rows(rows: Iterable[Row], shape: FileShape, limits: Limits) -> Iterator[Row]:
    last = shape.first_row - 1
    end = shape.first_row + limits.rows
    for row in rows:
        if row.number >= end and (row.number >= end + BLANK_TAIL or not row.is_blank):
            raise FileRefused("too_many_rows", limit=limits.rows)
        if row.number < shape.first_row or row.is_blank:
            continue
        for blank in range(last + 1, row.number):
            yield Row(blank, ())
        last = row.number
        yield row
