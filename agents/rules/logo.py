"""Whether a file somebody calls a logo is one: read to its end by the rules of its format, never by its name.

SVG is refused: it is a document that can carry scripts.
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

MOST_BYTES = 200_000
LEAST_SIDE, MOST_SIDE = 64, 2048

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
#: JPEG markers that begin a picture and say how large it is (all SOFn but DHT, JPG and DAC).
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class NotALogo(ValueError):
    """`problem` is what is wrong: too_large, unknown_format, damaged, too_small or too_big."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Logo:
    media_type: str
    width: int
    height: int


def read_logo(data: bytes) -> Logo:
    """What picture this is.  Raises NotALogo for what is none, is damaged, or has a size nobody can use."""
    if len(data) > MOST_BYTES:
        raise NotALogo("too_large")
    media_type, measure = _format_of(data)
    try:
        width, height = measure(data)
    except (struct.error, IndexError) as error:
        raise NotALogo("damaged") from error
    if min(width, height) < LEAST_SIDE:
        raise NotALogo("too_small")
    if max(width, height) > MOST_SIDE:
        raise NotALogo("too_big")
    return Logo(media_type, width, height)


def _format_of(data: bytes) -> tuple[str, Callable[[bytes], tuple[int, int]]]:
    if data.startswith(_PNG):
        return "image/png", _measure_png
    if data.startswith(_JPEG):
        return "image/jpeg", _measure_jpeg
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp", _measure_webp
    raise NotALogo("unknown_format")


def _measure_png(data: bytes) -> tuple[int, int]:
    """Walk all chunks: the header first, each with a true checksum, the end at the end."""
    at, size, names = len(_PNG), (0, 0), []
    while at < len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(name + body) != checksum:
            raise NotALogo("damaged")
        if name == b"IHDR":
            size = struct.unpack_from(">II", body)
        names.append(name)
        at += 12 + length
    ends_well = names[-1:] == [b"IEND"] and names.count(b"IEND") == 1
    if names[:1] != [b"IHDR"] or b"IDAT" not in names or not ends_well:
        raise NotALogo("damaged")
    return size


def _measure_jpeg(data: bytes) -> tuple[int, int]:
    """Walk the segments up to the picture itself; the file ends where the picture does."""
    if not data.endswith(b"\xff\xd9"):
        raise NotALogo("damaged")
    at, size = 2, None
    while True:
        mark, kind, length = struct.unpack_from(">BBH", data, at)
        if mark != 0xFF or length < 2:
            raise NotALogo("damaged")
        if kind in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            size = width, height
        if kind == 0xDA:
            break
        at += 2 + length
    if size is None:
        raise NotALogo("damaged")
    return size


def _measure_webp(data: bytes) -> tuple[int, int]:
    (length,) = struct.unpack_from("<I", data, 4)
    if length + 8 != len(data):
        raise NotALogo("damaged")
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L" and data[20] == 0x2F:
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise NotALogo("damaged")
