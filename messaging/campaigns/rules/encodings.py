"""Which character encoding a text file is in, found out from all of its bytes.

UTF-8 and UTF-16 prove themselves. Between GB18030, Big5 and Windows-1252, which accept almost anything, the
more believable text wins: frequent characters count for an encoding, rare and impossible ones against it.
"""

import codecs
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

from .shapes import FileRefused

CHUNK = 1024 * 1024
#: Text with bytes above 0x7F that is enough to tell the legacy encodings apart.
SAMPLE = 256 * 1024
#: Encodings a person may choose instead of what was found.
ENCODINGS: Final = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "big5", "cp1252")

_BOMS: Final = (
    (b"\xff\xfe\x00\x00", ""),
    (b"\x00\x00\xfe\xff", ""),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"\x84\x31\x95\x33", "gb18030"),
)


def find_encoding(file: BinaryIO) -> str:
    """The Python name of the encoding every byte of `file` is valid in.

    Raises FileRefused: `file_is_binary` for NULs, `encoding_unknown`, or `bad_bytes` with the row where a file
    that is clearly in one encoding breaks it.
    """
    head = file.read(4096)
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            if not encoding:
                raise FileRefused("encoding_unknown")
            _check_every_byte(file, encoding)
            return encoding
    if encoding := _utf16_without_bom(head):
        _check_every_byte(file, encoding)
        return encoding
    return _without_bom(file)


def _utf16_without_bom(head: bytes) -> str:
    """UTF-16 shows in ASCII characters: every second byte of them is NUL, always on the same side."""
    low, high = head[0::2].count(0), head[1::2].count(0)
    if low + high < max(2, len(head) // 10) or min(low, high) * 20 > max(low, high):
        return ""
    return "utf-16-le" if high > low else "utf-16-be"


def _without_bom(file: BinaryIO) -> str:
    utf8 = codecs.getincrementaldecoder("utf-8")()
    sample, is_utf8 = bytearray(), True
    for chunk in _chunks(file):
        if 0 in chunk:
            raise FileRefused("file_is_binary", looks_like="nul")
        if chunk.isascii() and is_utf8 and not utf8.getstate()[0]:
            continue
        if len(sample) < SAMPLE:
            _collect_telling_lines(chunk, sample)
        if is_utf8:
            try:
                utf8.decode(chunk)
            except UnicodeDecodeError:
                is_utf8 = False
    if is_utf8 and not utf8.getstate()[0]:
        return "utf-8"
    encoding = "utf-8" if _is_utf8_with_a_flaw(bytes(sample)) else _most_believable(bytes(sample))
    _check_every_byte(file, encoding)
    return encoding


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(CHUNK):
        yield chunk


def _collect_telling_lines(chunk: bytes, sample: bytearray) -> None:
    # Whole lines only: a chunk's first and last line may be cut inside a character.
    lines = chunk.split(b"\n")
    whole = lines[1:-1] if len(lines) > 2 else lines
    if len(sample) == 0 and lines[0] not in whole:
        whole = [lines[0], *whole]
    for line in whole:
        if not line.isascii():
            sample += line[:4096] + b"\n"
            if len(sample) >= SAMPLE:
                return


def _is_utf8_with_a_flaw(sample: bytes) -> bool:
    """Nearly every character above ASCII is whole UTF-8: the rest is damage, not another encoding."""
    text = sample.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    good = sum(character > "\x7f" for character in text) - broken
    return good > 20 * broken


def _check_every_byte(file: BinaryIO, encoding: str) -> None:
    decoder = codecs.getincrementaldecoder(encoding)()
    breaks = 1
    try:
        for chunk in _chunks(file):
            text = decoder.decode(chunk)
            if "\0" in text:
                raise FileRefused("file_is_binary", looks_like="nul")
            breaks += text.count("\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        before = bytes(error.object[: error.start]).decode(encoding, errors="ignore")
        row = breaks + before.count("\n")
        raise FileRefused("bad_bytes", row=row, encoding=encoding) from None


def _most_believable(sample: bytes) -> str:
    scores = {
        "gb18030": _score_gb18030(sample),
        "big5": _score_big5(sample),
        "cp1252": _score_cp1252(sample),
    }
    best = max(scores, key=scores.__getitem__)
    if scores[best] <= 0:
        raise FileRefused("encoding_unknown")
    return best


def _decodes(sample: bytes, encoding: str) -> bool:
    """Whole, or with a few flaws in much text (`_check_every_byte` then names the row)."""
    text = sample.decode(encoding, errors="replace")
    broken = text.count("\ufffd")
    return broken * 50 <= sum(character > "\x7f" for character in text)


def _score_gb18030(sample: bytes) -> float:
    """Share of high bytes that belong to frequent characters (GB 2312 level 1), less what is rare in names."""
    if not _decodes(sample, "gb18030"):
        return -1.0

    def weight(lead: int, trail: int) -> float:
        if trail < 0xA1:
            return -1.0
        if 0xB0 <= lead <= 0xD7:
            return 1.0
        return 0.4 if 0xA1 <= lead <= 0xA9 or 0xD8 <= lead <= 0xF7 else -1.0

    return _score_pairs(sample, weight)


def _score_big5(sample: bytes) -> float:
    """Share of high bytes that belong to frequent characters (Big5 level 1)."""
    if not _decodes(sample, "big5"):
        return -1.0

    def weight(lead: int, trail: int) -> float:
        if not (0x40 <= trail <= 0x7E or 0xA1 <= trail <= 0xFE):
            return -1.0
        if 0xA4 <= lead <= 0xC6:
            # Half of Big5 has a low trail byte; text without any is likelier GB 2312.
            return 1.3 if trail < 0x80 else 0.8
        return 0.3 if 0xC9 <= lead <= 0xF9 or lead in (0xA1, 0xA2) else -1.0

    return _score_pairs(sample, weight)


def _score_pairs(sample: bytes, weight: Callable[[int, int], float]) -> float:
    total, count, at, end = 0.0, 0, 0, len(sample) - 1
    while at < end:
        lead = sample[at]
        if lead < 0x80:
            at += 1
            continue
        trail = sample[at + 1]
        if 0x30 <= trail <= 0x39:  # four bytes of GB18030, or a foreign letter before a digit
            total, count, at = total - 0.5, count + 1, at + 2
            continue
        total, count, at = total + weight(lead, trail), count + 1, at + 2
    return total / count if count else -1.0


def _score_cp1252(sample: bytes) -> float:
    """Share of high bytes that are letters standing among ASCII letters, as accents do."""
    try:
        sample.decode("cp1252")
    except UnicodeDecodeError:
        return -1.0
    alone = count = 0
    padded = b" " + sample + b" "
    for at in range(1, len(padded) - 1):
        if padded[at] < 0x80:
            continue
        count += 1
        neighbours = (padded[at - 1] < 0x80) + (padded[at + 1] < 0x80)
        is_letter = padded[at] >= 0xC0 or padded[at] in b"\x80\x8a\x8e\x91\x92\x93\x94\x96\x9a\x9e\x9f\xa3\xb0"
        alone += neighbours - 1 if is_letter else -1
    return alone / count if count else -1.0
