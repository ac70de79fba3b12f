"""One worksheet's XML as rows of text."""

from collections.abc import Sequence
from typing import Final

from .cells import CellStyles, date_text, number_text, unescape
from .shapes import FileRefused, Limits, Row
from .xml_stream import XmlStream

_LAST_ROW: Final = 1_048_576
_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#: A → 1 … ZZ → 702. What lies beyond is beyond every limit on columns.
_COLUMNS: Final = {
    name: number
    for number, name in enumerate((*_ALPHABET, *(first + second for first in _ALPHABET for second in _ALPHABET)), 1)
}


class SheetReader(XmlStream):
    """Feed it the sheet; `take_rows` gives what is complete. Rows the file skips are left out.

    Raises FileRefused: `too_many_columns`, or `workbook_broken` where the sheet contradicts itself.
    """

    def __init__(self, *, strings: Sequence[str], styles: CellStyles, limits: Limits) -> None:
        super().__init__(self._on_start, self._on_end)
        self._strings, self._styles, self._limits = strings, styles, limits
        self._date_styles = {str(style) for style in styles.dates}
        self._rows: list[Row] = []
        self._cells: list[str] = []
        self._type = ""
        self._is_date = False
        self._phonetic = False

    def take_rows(self) -> list[Row]:
        """The rows completed since the last call."""
        rows, self._rows = self._rows, []
        return rows

    def _on_start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "c":
            self._start_cell(attributes)
        elif tag == "v" or (tag == "t" and not self._phonetic):
            self.collect()
        elif tag == "row":
            self._start_row(attributes)
        elif tag == "rPh":
            self._phonetic = True

    def _on_end(self, tag: str) -> None:
        if tag == "v" or tag == "t":
            self.stop_collecting()
        elif tag == "c":
            text = self.text
            self._cells.append(self._value(text[0] if len(text) == 1 else "".join(text)) if text else "")
        elif tag == "row":
            self._rows.append(Row(self.row, tuple(self._cells)))
        elif tag == "rPh":
            self._phonetic = False

    def _start_row(self, attributes: dict[str, str]) -> None:
        before = self.row
        written = attributes.get("r")
        number = int(written) if written else before + 1
        if not before < number <= _LAST_ROW:
            raise FileRefused("workbook_broken", row=before)
        self.row = number
        self._cells = []

    def _start_cell(self, attributes: dict[str, str]) -> None:
        column = _column(attributes["r"]) if "r" in attributes else len(self._cells) + 1
        if column > self._limits.columns:
            raise FileRefused("too_many_columns", row=self.row, limit=self._limits.columns)
        gap = column - len(self._cells) - 1
        if gap < 0:
            raise FileRefused("workbook_broken", row=self.row)
        if gap:
            self._cells.extend([""] * gap)
        self._type = attributes.get("t", "n")
        self._is_date = attributes.get("s", "") in self._date_styles
        self.text = []

    def _value(self, stored: str) -> str:
        kind = self._type
        if kind == "s":
            return self._strings[self._position(stored)]
        if kind == "n":
            stored = stored.strip()
            return date_text(stored, since_1904=self._styles.since_1904) if self._is_date else number_text(stored)
        if kind == "b":
            return "TRUE" if stored.strip() in ("1", "true") else "FALSE"
        if kind == "d":
            return stored.strip().removesuffix("T00:00:00").replace("T", " ")
        return unescape(stored)

    def _position(self, stored: str) -> int:
        position = int(stored)
        if not 0 <= position < len(self._strings):
            raise FileRefused("workbook_broken", row=self.row)
        return position


def _column(reference: str) -> int:
    """1 for A1, 27 for AA5; 703 for all that is further to the right."""
    letters = reference.rstrip("0123456789")
    if column := _COLUMNS.get(letters):
        return column
    if len(letters) == 3 and letters.isascii() and letters.isalpha():
        return len(_COLUMNS) + 1
    raise ValueError(reference)
