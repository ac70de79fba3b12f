"""XML read piece by piece by expat, with what makes XML dangerous refused: no DTD, so no entities of its own
(no XXE, no billion laughs), no endless tag, no endless text."""

from collections.abc import Callable
from typing import Final
from xml.parsers import expat

from .shapes import FileRefused

CHUNK: Final = 64 * 1024
#: Longer than any cell Excel can hold (32,767 characters) and any tag it writes.
_LONGEST_TEXT: Final = 1024 * 1024


class XmlStream:
    """Feed it bytes; it calls `on_start(tag, attributes)` and `on_end(tag)` below the
    root, with tags freed of the root's prefix.

    Raises FileRefused `workbook_broken` for a DTD and for a tag or text beyond a megabyte; expat.ExpatError for
    what is not XML.
    """

    row = 0

    def __init__(self, on_start: Callable[[str, dict[str, str]], None], on_end: Callable[[str], None]) -> None:
        self._on_start, self._on_end = on_start, on_end
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start_root
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._fed = 0
        self.text: list[str] = []

    def feed(self, chunk: bytes, *, is_last: bool = False) -> None:
        """Parse the next bytes, calling back for what they complete."""
        self._parser.Parse(chunk, is_last)
        self._fed += len(chunk)
        if self._fed - max(self._parser.CurrentByteIndex, 0) > _LONGEST_TEXT and not is_last:
            raise FileRefused("workbook_broken", row=self.row)
        if len(self.text) > 16 and sum(map(len, self.text)) > _LONGEST_TEXT:
            raise FileRefused("workbook_broken", row=self.row)

    def collect(self) -> None:
        """From here on, text is added to `self.text`."""
        self._parser.CharacterDataHandler = self.text.append

    def stop_collecting(self) -> None:
        self._parser.CharacterDataHandler = None

    def _start_root(self, tag: str, attributes: dict[str, str]) -> None:
        """The first tag tells whether tags carry a prefix. Most files have none, and are read without a detour."""
        prefix, colon, _ = tag.rpartition(":")
        on_start, on_end = self._on_start, self._on_end
        if colon:
            before = prefix + colon
            self._parser.StartElementHandler = lambda tag, found: on_start(tag.removeprefix(before), found)
            self._parser.EndElementHandler = lambda tag: on_end(tag.removeprefix(before))
        else:
            self._parser.StartElementHandler = on_start
            self._parser.EndElementHandler = on_end

    def _refuse_doctype(self, *declaration: object) -> None:
        raise FileRefused("workbook_broken", row=self.row, reason="doctype")
