"""What a recipient file is and how to read it, decided from its bytes and never from its name."""

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

from . import workbooks
from .columns import has_header, unique_names
from .encodings import CHUNK, ENCODINGS, find_encoding
from .shapes import BLANK_TAIL, DEFAULT_LIMITS, FileRefused, FileShape, Limits, Row
from .text_files import find_delimiter, read_text_rows

#: Data rows kept in the shape, for guessing columns and for the preview.
SAMPLE_ROWS = 200
_SAMPLE_CHARACTERS = 256 * 1024

_MAGIC: Final = (
    (b"\x89PNG", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
    (b"%PDF", "pdf"),
    (b"MZ\x90", "exe"),
    (b"\x7fELF", "elf"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"7z\xbc\xaf", "7z"),
    (b"Rar!", "rar"),
    (b"PAR1", "parquet"),
    (b"SQLite format 3", "sqlite"),
    (b"{\\rtf", "rtf"),
)
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PAGE_STARTS: Final = ("<!doctype", "<html", "<head", "<body", "<table", "<?xml", "<!--", "<meta", "<script")


def sniff(
    path: str | Path,
    filename: str = "",
    *,
    limits: Limits = DEFAULT_LIMITS,
    encoding: str = "",
    delimiter: str | None = None,
    sheet: str = "",
) -> FileShape:
    """Find out how to read the file at `path`; `encoding`, `delimiter` and `sheet` overrule what is found.

    `filename` is what the uploader called it: it opens nothing and decides nothing.
    Raises FileRefused within two seconds and without holding the file in memory, whatever the file.
    """
    path = Path(path)
    size = path.stat().st_size
    if size == 0:
        raise FileRefused("file_empty")
    if size > limits.bytes:
        raise FileRefused("file_too_large", limit=limits.bytes, size=size)
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(b"PK\x03\x04"):
        return _shape_of_workbook(path, sheet, limits)
    _refuse_binary(path, head)
    return _shape_of_text(path, encoding, delimiter, limits)


def _refuse_binary(path: Path, head: bytes) -> None:
    if head.startswith(_OLE):
        if workbooks.is_encrypted(path):
            raise FileRefused("workbook_encrypted")
        raise FileRefused("file_is_binary", looks_like="xls")
    for magic, name in _MAGIC:
        if head.startswith(magic):
            raise FileRefused("file_is_binary", looks_like=name)
    if head.startswith(b"PK"):
        raise FileRefused("workbook_broken")


def _shape_of_workbook(path: Path, sheet: str, limits: Limits) -> FileShape:
    with workbooks.Workbook(path, limits=limits) as book:
        name = book.sheet_named(sheet)
        rows = list(islice(book.rows(name), SAMPLE_ROWS + 1))
        shape = FileShape(kind="xlsx", sheet=name, sheets=tuple(book.sheets))
    return _with_columns(shape, rows)


def _shape_of_text(path: Path, encoding: str, delimiter: str | None, limits: Limits) -> FileShape:
    _refuse_too_many_lines(path, limits)
    encoding = _chosen(encoding) or _found(path)
    text = _first_text(path, encoding)
    if delimiter is None:
        delimiter = find_delimiter(text)
    shape = FileShape(kind="csv" if delimiter else "txt", encoding=encoding, delimiter=delimiter)
    return _with_columns(shape, list(islice(read_text_rows(path, shape, limits=limits), SAMPLE_ROWS + 1)))


def _refuse_too_many_lines(path: Path, limits: Limits) -> None:
    """Spare people the wait where it is plain to see. Where cells may hold line breaks, reading will tell."""
    if path.stat().st_size < 8 * limits.rows:
        return
    lines = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            if b'"' in chunk or b"\0" in chunk:
                return
            lines += chunk.count(b"\n")
    if lines > limits.rows + BLANK_TAIL:
        raise FileRefused("too_many_rows", limit=limits.rows)


def _chosen(encoding: str) -> str:
    if encoding and encoding not in ENCODINGS:
        raise FileRefused("encoding_unknown", encoding=encoding)
    return encoding


def _found(path: Path) -> str:
    with path.open("rb") as file:
        return find_encoding(file)


def _first_text(path: Path, encoding: str) -> str:
    """The start of the file, after refusing what is text but no list."""
    try:
        with path.open(encoding=encoding, newline="") as file:
            text = file.read(_SAMPLE_CHARACTERS)
    except UnicodeError:
        raise FileRefused("bad_bytes", row=1, encoding=encoding) from None
    text = text.removeprefix("\ufeff")
    start = text.lstrip()[:64].lower()
    if not start:
        raise FileRefused("file_empty")
    if start.startswith(_PAGE_STARTS):
        raise FileRefused("html_pretending", looks_like="xml" if start.startswith("<?xml") else "html")
    controls = sum(character < " " and character not in "\t\r\n\f\v\x1a\x1c\x1d\x1e\x1f" for character in text[:8192])
    if controls * 100 > min(len(text), 8192):
        raise FileRefused("file_is_binary", looks_like="control characters")
    return text


def _with_columns(shape: FileShape, rows: list[Row]) -> FileShape:
    filled = [row for row in rows if not row.is_blank]
    if not filled:
        raise FileRefused("file_empty")
    first, rest = filled[0], filled[1:]
    width = max(len(row.cells) for row in filled)
    headed = has_header(first.cells, rest)
    names = first.cells if headed else ()
    return replace(
        shape,
        has_header=headed,
        header=unique_names(names, width=width),
        sample=tuple(rest if headed else filled)[:SAMPLE_ROWS],
        first_row=first.number + 1 if headed else first.number,
    )
