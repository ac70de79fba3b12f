"""Rows of .xlsx workbooks, streamed.

Why not a library: a workbook is an attack surface first. A 5 KB file with one cell in A1 and one far away costs
python-calamine 1.4 GB, because it lays the sheet out as a dense grid, and an honest one takes it 90 MB for every
200,000 rows. Here a sheet is read as a stream of XML with every size bounded; tests hold it against calamine.
"""

import posixpath
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Self
from xml.parsers import expat

from .cells import CellStyles
from .shapes import DEFAULT_LIMITS, FileRefused, Limits, Row
from .shared_strings import SharedStrings
from .worksheets import SheetReader
from .xml_stream import CHUNK, XmlStream

_RATIO_FREE_BYTES: Final = 32 * 1024 * 1024
_SMALL_PART: Final = 16 * 1024 * 1024
#: Excel knows no others, and LZMA would let the file say how much memory it wants.
_COMPRESSIONS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
#: The archive's directory: 2,000 members with long names need less.
_DIRECTORY_BYTES: Final = 1024 * 1024
_DIRECTORY_END: Final = struct.Struct("<4s4H2LH")
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    expat.ExpatError,
    ValueError,
)


def is_encrypted(path: Path) -> bool:
    """Whether an OLE container is a workbook with a password (and not an old .xls)."""
    wanted = "EncryptedPackage".encode("utf-16-le")
    tail = b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK * 16):
            if wanted in tail + chunk:
                return True
            tail = chunk[-len(wanted) :]
    return False


def _check_directory(path: Path) -> None:
    """Refuse a directory of a million members before `zipfile` makes an object of each."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 0x10000 - _DIRECTORY_END.size))
        tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < _DIRECTORY_END.size:
        raise FileRefused("workbook_broken")
    has_64_bit_end = tail[max(0, at - 20) : at].startswith(b"PK\6\7")
    directory = _DIRECTORY_END.unpack_from(tail, at)[5]
    if has_64_bit_end or directory > _DIRECTORY_BYTES:
        raise FileRefused("workbook_too_large", limit=_DIRECTORY_BYTES)


class Workbook:
    """An open .xlsx file. Use it in a `with`; every method may raise FileRefused."""

    def __init__(self, path: Path, *, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        _check_directory(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except _DAMAGE:
            raise FileRefused("workbook_broken") from None
        try:
            self._check_sizes()
            self._main = self._main_part()
            self._folder = posixpath.dirname(self._main)
            self.sheets = self._read_sheets()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._zip.close()

    def sheet_named(self, name: str) -> str:
        """`name` if there is such a sheet; the first visible sheet for an empty name."""
        if name and name not in self.sheets:
            raise FileRefused("sheet_missing", sheet=name)
        return name or next(iter(self.sheets))

    def rows(self, sheet: str) -> Iterator[Row]:
        """The rows the sheet holds, in order, as text a person would recognise; rows it skips are left out."""
        part = self.sheets[sheet]
        reader = SheetReader(strings=self._shared_strings(), styles=self._styles(), limits=self._limits)
        for chunk in self._chunks(part):
            self._feed(reader, chunk)
            yield from reader.take_rows()
        self._feed(reader, b"", is_last=True)
        yield from reader.take_rows()

    @staticmethod
    def _feed(reader: XmlStream, chunk: bytes, *, is_last: bool = False) -> None:
        try:
            reader.feed(chunk, is_last=is_last)
        except _DAMAGE:
            raise FileRefused("workbook_broken", row=reader.row) from None

    def _check_sizes(self) -> None:
        """Judge the archive by its directory, before a byte is unpacked; unpacking never exceeds what it declares."""
        members = self._zip.infolist()
        if len(members) > self._limits.workbook_members:
            raise FileRefused("workbook_too_large", members=len(members), limit=self._limits.workbook_members)
        if any(member.flag_bits & 1 for member in members):
            raise FileRefused("workbook_encrypted")
        if any(member.compress_type not in _COMPRESSIONS for member in members):
            raise FileRefused("workbook_broken")
        unpacked = sum(member.file_size for member in members)
        packed = sum(member.compress_size for member in members) or 1
        is_bomb = unpacked > _RATIO_FREE_BYTES and unpacked / packed > self._limits.workbook_ratio
        if unpacked > self._limits.workbook_bytes or is_bomb:
            raise FileRefused("workbook_too_large", unpacked_bytes=unpacked, limit=self._limits.workbook_bytes)
        names = {member.filename for member in members}
        if not any(name.lower().startswith("xl/") and name.endswith(".xml") for name in names):
            raise FileRefused("file_is_binary", looks_like=_other_archive(names))

    def _read_sheets(self) -> Mapping[str, str]:
        """Visible sheets by name, in their order, with the archive member that holds each."""
        targets = self._relations(f"{self._folder}/_rels/{posixpath.basename(self._main)}.rels")
        sheets: dict[str, str] = {}

        def on_start(tag: str, attributes: dict[str, str]) -> None:
            if tag != "sheet" or attributes.get("state", "visible") != "visible":
                return
            target = next((targets.get(value) for key, value in attributes.items() if key.endswith(":id")), None)
            if target:
                sheets.setdefault(attributes.get("name", "")[:80], target)

        self._walk(self._main, on_start)
        if not sheets:
            raise FileRefused("workbook_broken")
        return sheets

    def _main_part(self) -> str:
        found: list[str] = []

        def on_start(tag: str, attributes: dict[str, str]) -> None:
            if tag == "Relationship" and attributes.get("Type", "").endswith("/officeDocument"):
                found.append(attributes.get("Target", "").lstrip("/"))

        self._walk("_rels/.rels", on_start)
        return found[0] if found else "xl/workbook.xml"

    def _relations(self, part: str) -> Mapping[str, str]:
        """Id → archive member; targets outside the archive (http:, file:) are never followed."""
        targets: dict[str, str] = {}

        def on_start(tag: str, attributes: dict[str, str]) -> None:
            if tag == "Relationship" and attributes.get("TargetMode") != "External":
                target = attributes.get("Target", "")
                whole = target.lstrip("/") if target.startswith("/") else posixpath.join(self._folder, target)
                targets[attributes.get("Id", "")] = posixpath.normpath(whole)

        self._walk(part, on_start)
        return targets

    def _styles(self) -> CellStyles:
        styles = CellStyles()
        if (part := f"{self._folder}/styles.xml") in self._zip.namelist():
            self._walk(part, styles.on_start, styles.on_end)
        self._walk(self._main, styles.on_workbook)
        return styles

    def _shared_strings(self) -> Sequence[str]:
        part = f"{self._folder}/sharedStrings.xml"
        if part not in self._zip.namelist():
            return ()
        if self._zip.getinfo(part).file_size > self._limits.shared_string_bytes:
            raise FileRefused("workbook_too_large", limit=self._limits.shared_string_bytes)
        reader = SharedStrings(limit=self._limits.shared_strings)
        for chunk in self._chunks(part):
            self._feed(reader, chunk)
        self._feed(reader, b"", is_last=True)
        return reader.strings

    def _walk(
        self,
        part: str,
        on_start: Callable[[str, dict[str, str]], None],
        on_end: Callable[[str], None] = lambda tag: None,
    ) -> None:
        """Read one of the small parts (relations, styles, the list of sheets)."""
        stream = XmlStream(on_start, on_end)
        try:
            if self._zip.getinfo(part).file_size > _SMALL_PART:
                raise FileRefused("workbook_too_large", limit=_SMALL_PART)
        except KeyError:
            raise FileRefused("workbook_broken") from None
        for chunk in self._chunks(part):
            self._feed(stream, chunk)
        self._feed(stream, b"", is_last=True)

    def _chunks(self, part: str) -> Iterator[bytes]:
        try:
            with self._zip.open(part) as file:
                while chunk := file.read(CHUNK):
                    yield chunk
        except (KeyError, RuntimeError, *_DAMAGE):
            raise FileRefused("workbook_broken") from None


def _other_archive(names: set[str]) -> str:
    if "xl/workbook.bin" in names:
        return "xlsb"
    if "word/document.xml" in names:
        return "docx"
    return "ods" if "mimetype" in names and "content.xml" in names else "zip"
