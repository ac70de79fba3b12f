"""UUIDv7 ids (RFC 9562 §5.7): the first 48 bits are Unix milliseconds, so an id is key, order and cursor in one."""

import os
import re
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

_VERSION_AND_VARIANT = (7 << 76) | (2 << 62)
_WRITTEN = re.compile("[0-9a-f]{8}(-?)" + r"[0-9a-f]{4}\1" * 3 + "[0-9a-f]{12}", re.IGNORECASE)
_RANDOM_BITS_A, _RANDOM_BITS_B = (1 << 12) - 1, (1 << 62) - 1


def uuid7() -> uuid.UUID:
    """A new id of this millisecond."""
    return uuid7_at(time.time_ns() // 1_000_000)


def uuid7_at(milliseconds: int) -> uuid.UUID:
    """A new random id of the given Unix millisecond."""
    random = int.from_bytes(os.urandom(10))
    return uuid.UUID(
        int=(milliseconds << 80)
        | _VERSION_AND_VARIANT
        | ((random >> 64) & _RANDOM_BITS_A) << 64
        | (random & _RANDOM_BITS_B)
    )


def uuid7s(count: int) -> Iterator[uuid.UUID]:
    """Ids of this millisecond that rise in the order given: the 74 random bits count up from a random start."""
    prefix = (time.time_ns() // 1_000_000) << 80 | _VERSION_AND_VARIANT
    start = int.from_bytes(os.urandom(9)) >> 1  # 71 bits: room to count up
    for counter in range(start, start + count):
        yield uuid.UUID(int=prefix | ((counter >> 62) & _RANDOM_BITS_A) << 64 | (counter & _RANDOM_BITS_B))


def made_at(id: uuid.UUID) -> datetime:
    """The instant inside a UUIDv7."""
    return datetime.fromtimestamp((id.int >> 80) / 1000, UTC)


def first_id_at(instant: datetime) -> uuid.UUID:
    """The smallest id of an instant's millisecond: ids from it on were made then or later."""
    return uuid.UUID(int=int(instant.timestamp() * 1000) << 80)


def id_in(text: str) -> uuid.UUID | None:
    """The id a text is: 32 hexadecimal digits, small or capital, as 8-4-4-4-12 or without hyphens.  None for anything else.

    Thirty-two digits may be somebody's own name or reference too: whoever has both looks for the id first.
    """
    return uuid.UUID(text) if _WRITTEN.fullmatch(text) else None
