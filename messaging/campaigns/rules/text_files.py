"""Rows of CSV and TXT files, streamed: never more than one row in memory."""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, TextIO

from .shapes import DEFAULT_LIMITS, FileRefused, FileShape, Limits, Row

DELIMITERS: Final = (",", ";", "\t", "|")
#: Stands for "no delimiter": a character no text holds, because `csv` wants one.
NO_DELIMITER: Final = "\x1f"
#: Given to the reader after the last line: it comes back as a row of its own unless a quote is still open.
_END: Final = "\x1e\x1d\x1e"


def read_text_rows(path: Path, shape: FileShape, *, limits: Limits = DEFAULT_LIMITS) -> Iterator[Row]:
    """Every row of a text file, blank ones too, numbered as a spreadsheet numbers them.

    Raises FileRefused naming the row for a NUL, bytes the encoding does not have, a line or row too long, and a
    quotation mark that never closes.
    """
    with path.open(encoding=shape.encoding, newline="") as file:
        yield from rows_of(file, delimiter=shape.delimiter, encoding=shape.encoding, limits=limits)


def rows_of(file: TextIO, *, delimiter: str, encoding: str = "utf-8", limits: Limits = DEFAULT_LIMITS) -> Iterator[Row]:
    """As `read_text_rows`, from an open file (opened with `newline=""`)."""
    row = 0
    lines_before = 0
    rows = csv.reader(_lines(file, encoding, limits), delimiter=delimiter or NO_DELIMITER)
    try:
        for row, cells in enumerate(rows, start=1):
            if rows.line_num - lines_before > limits.lines_in_a_row:
                raise FileRefused("quote_unclosed", row=row)
            lines_before = rows.line_num
            if cells and cells[-1].endswith(_END):
                if cells == [_END]:
                    return
                raise FileRefused("quote_unclosed", row=row)
            if len(cells) > limits.columns:
                raise FileRefused("too_many_columns", row=row, limit=limits.columns)
            yield Row(row, tuple(cells))
    except csv.Error:
        # A cell longer than csv's own limit: only an open quote gets past the limit on lines.
        raise FileRefused("quote_unclosed", row=row + 1) from None


def _lines(file: TextIO, encoding: str, limits: Limits) -> Iterator[str]:
    longest = limits.line_characters
    row = 0
    try:
        while line := file.readline(longest + 1):
            row += 1
            if len(line) > longest and line[-1] not in "\r\n":
                raise FileRefused("line_too_long", row=row, limit=longest)
            if "\0" in line:
                raise FileRefused("file_is_binary", looks_like="nul", row=row)
            if row == 1:
                line = line.removeprefix("\ufeff")
                if _is_separator_hint(line):
                    line = "\n"
            yield line
    except UnicodeError:
        raise FileRefused("bad_bytes", row=row + 1, encoding=encoding) from None
    yield _END


def _is_separator_hint(line: str) -> bool:
    """Excel's own first line `sep=;`, which is no row of the list."""
    return line.startswith("sep=") and len(line.rstrip("\r\n")) == 5


def find_delimiter(text: str) -> str:
    """The delimiter that cuts the first lines of `text` into the most regular table, or "" for one value a line."""
    hint = text.removeprefix("\ufeff")[:5]
    if _is_separator_hint(hint):
        return hint[4]
    lines = list(islice(io.StringIO(text, newline=""), 200))
    best, best_score = "", (0.0, 0)
    for delimiter in DELIMITERS:
        score = _regularity(lines, delimiter)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _regularity(lines: Iterable[str], delimiter: str) -> tuple[float, int]:
    try:
        widths = [len(cells) for cells in csv.reader(lines, delimiter=delimiter) if cells]
    except csv.Error:
        return (0.0, 0)
    tables = [width for width in widths if width > 1]
    # A delimiter in one line of ten is punctuation in a text, not a table.
    if len(tables) * 10 < len(widths) or not tables:
        return (0.0, 0)
    usual = max(set(tables), key=tables.count)
    return (round(tables.count(usual) / len(widths), 1), usual)
