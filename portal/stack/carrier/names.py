"""What the carrier calls the messages it takes: each by its number, in a form that tells the number again."""

from __future__ import annotations

import time


class Names:
    """Names of the messages of one process, numbered from 1.

    None comes back after a restart, or an old receipt would fit a new message.
    """

    def __init__(self, *, is_decimal: bool = False) -> None:
        self._is_decimal = is_decimal
        self._began = time.time_ns() // 1_000_000

    def of(self, number: int) -> str:
        """As answers say it: with `is_decimal` a hexadecimal number, whose decimal form receipts say."""
        if self._is_decimal:
            return f"{(self._began << 24) + number:X}"
        return f"{self._began:x}-{number:x}"

    def number_of(self, name: str) -> int | None:
        """None for what is no name of ours."""
        try:
            number = int(name, 16) - (self._began << 24) if self._is_decimal else int(name.rpartition("-")[2], 16)
        except ValueError:
            return None
        return number if number > 0 and self.of(number) == name else None
