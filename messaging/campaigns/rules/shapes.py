"""The nouns of reading a recipient file: its limits, its shape, its rows, and the refusal of a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

#: Every code `FileRefused` carries, with the sentence shown where no translation is at hand.
REFUSALS: Final[Mapping[str, str]] = {
    "file_empty": "The file is empty.",
    "file_too_large": "The file is larger than {limit} bytes. Split it and import the parts one after the other.",
    "file_is_binary": "This is not a text file or an .xlsx workbook. Save the list as .xlsx or .csv and try again.",
    "html_pretending": "This is a web page saved under another name. Save the list as .xlsx or .csv and try again.",
    "encoding_unknown": "The file's character encoding was not recognised. Save it as “CSV UTF-8” and try again.",
    "bad_bytes": "Row {row} has bytes that are not {encoding}. Save the file as “CSV UTF-8” and try again.",
    "line_too_long": "Row {row} has more than {limit} characters. Check the line breaks.",
    "too_many_columns": "Row {row} has more than {limit} columns.",
    "too_many_rows": "The file has more than {limit} rows. Split it and import the parts one after the other.",
    "quote_unclosed": "A quotation mark opened in row {row} is never closed.",
    "no_number_column": "No column holds phone numbers. Name one “phone”, or choose the numbers' default country.",
    "workbook_broken": "The workbook is damaged or not a real .xlsx file. Open it, save it again as .xlsx, try again.",
    "workbook_too_large": "The workbook unpacks to more than can be read. Save the sheet as .csv and import that.",
    "workbook_encrypted": "The workbook is protected by a password. Save it without one and try again.",
    "sheet_missing": "The workbook has no sheet named “{sheet}”.",
}


class FileRefused(Exception):
    """The file can't be read, and nothing of it was used: a stable `code`, a `message` safe to show, `details`."""

    def __init__(self, code: str, **details: Any) -> None:
        self.code = code
        self.details: Mapping[str, Any] = details
        self.message = REFUSALS[code].format_map(details)
        super().__init__(code)

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a file is read before it is refused."""

    bytes: int = 64 * 1024 * 1024
    rows: int = 1_000_000
    columns: int = 200
    line_characters: int = 65_536
    lines_in_a_row: int = 200
    workbook_members: int = 2_000
    workbook_bytes: int = 512 * 1024 * 1024
    workbook_ratio: int = 120
    shared_string_bytes: int = 64 * 1024 * 1024
    shared_strings: int = 1_200_000


DEFAULT_LIMITS: Final = Limits()

#: Blank rows below the list that are passed over: a sheet formatted to its end has as many.
BLANK_TAIL: Final = 100_000


class Row(NamedTuple):
    """One row as a spreadsheet numbers it (the first is 1, blank ones count) and its cells as typed."""

    number: int
    cells: tuple[str, ...]

    @property
    def is_blank(self) -> bool:
        """No cell holds anything a person could see."""
        return not any(map(str.strip, self.cells))


@dataclass(frozen=True, slots=True)
class FileShape:
    """How a file is to be read, as found out or as a person corrected it.

    `kind` is "csv" (rows of cells), "txt" (one value a line; `delimiter` is empty then) or "xlsx".
    `header` has one distinct name a column, also where the file has none ("column 1"); `sample` holds the first
    data rows.
    """

    kind: str
    encoding: str = ""
    delimiter: str = ""
    has_header: bool = False
    header: tuple[str, ...] = ()
    sample: tuple[Row, ...] = field(default=(), repr=False)
    first_row: int = 1
    sheet: str = ""
    sheets: tuple[str, ...] = ()

    @property
    def columns(self) -> int:
        return len(self.header)
