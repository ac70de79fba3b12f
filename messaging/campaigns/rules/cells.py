"""A workbook's cell values as the text a person would recognise: digits whole, dates in ISO form."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_PLAIN_DIGITS = re.compile(r"0|-?[1-9][0-9]{0,16}")
_NUMERIC = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)

#: Built-in number formats that show a date or time (ECMA-376, 18.8.30; 27–36 and 50–58 are East Asian dates).
_DATE_FORMATS: Final = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_QUOTED: Final = re.compile(r'"[^"]*"|\\.|\[(?!h+\]|m+\]|s+\])[^\]]*\]|_.|\*.', re.IGNORECASE)
_DAYS_TO_1904: Final = 1462
_LAST_DAY: Final = 2_958_466  # 10000-01-01


def unescape(text: str) -> str:
    """Characters that XML can't hold are written `_x000D_` in a workbook. Those no text may hold are dropped."""
    return _ESCAPED.sub(_character, text) if "_x" in text else text


def _character(escaped: re.Match[str]) -> str:
    code = int(escaped[1], 16)
    return "" if code == 0 or 0xD800 <= code <= 0xDFFF else chr(code)


def number_text(stored: str) -> str:
    """A numeric cell without what the format added: 13812345678, not 1.3812345678E10 and not 13812345678.0."""
    if _PLAIN_DIGITS.fullmatch(stored):
        return stored
    if not _NUMERIC.fullmatch(stored):
        return stored
    value = float(stored)
    if value in (float("inf"), float("-inf")):
        return stored
    if value.is_integer():
        return str(int(value)) if abs(value) < 1e16 else format(Decimal(stored), "f")[:64]
    # repr: the shortest text that is the same number (0.1, where the file may say 0.10000000000000001).
    return format(Decimal(repr(value)), "f")[:64]


def date_text(stored: str, *, since_1904: bool) -> str:
    """A date cell's serial number as 2026-03-01, 2026-03-01 09:30 or 09:30; unchanged where it is no date."""
    if not _NUMERIC.fullmatch(stored):
        return stored
    serial = float(stored) + (_DAYS_TO_1904 if since_1904 else 0)
    seconds = round(serial * 86400) if 0 <= serial < _LAST_DAY else -1
    if not 0 <= seconds < _LAST_DAY * 86400:
        return number_text(stored)
    # Excel believes in 29 February 1900, so earlier days are one further from the epoch.
    epoch = datetime(1899, 12, 31 if serial < 60 else 30)  # noqa: DTZ001 - a sheet's dates have no time zone
    moment = epoch + timedelta(seconds=seconds)
    clock = moment.strftime("%H:%M:%S" if moment.second else "%H:%M")
    if serial < 1:
        return clock
    day = moment.strftime("%Y-%m-%d").zfill(10)
    return day if clock == "00:00" else f"{day} {clock}"


class CellStyles:
    """Which cell styles show dates, gathered from the workbook's styles and settings parts."""

    def __init__(self) -> None:
        self.dates: set[int] = set()
        self.since_1904 = False
        self._date_formats = set(_DATE_FORMATS)
        self._in_cell_formats = False
        self._count = 0

    def on_start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "numFmt" and _shows_a_date(attributes.get("formatCode", "")[:255]):
            self._date_formats.add(_whole(attributes.get("numFmtId")))
        elif tag == "cellXfs":
            self._in_cell_formats = True
        elif tag == "xf" and self._in_cell_formats:
            if _whole(attributes.get("numFmtId")) in self._date_formats:
                self.dates.add(self._count)
            self._count += 1

    def on_end(self, tag: str) -> None:
        if tag == "cellXfs":
            self._in_cell_formats = False

    def on_workbook(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "workbookPr":
            self.since_1904 = attributes.get("date1904") in ("1", "true")


def _shows_a_date(format_code: str) -> bool:
    bare = _QUOTED.sub("", format_code.partition(";")[0]).lower()
    return "general" not in bare and any(letter in bare for letter in "ymdhs")


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else -1
