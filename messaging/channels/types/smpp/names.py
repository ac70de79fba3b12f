"""What a carrier calls a message, where its answers and its receipts do not write it alike."""

from __future__ import annotations

import re
from typing import NamedTuple

_HEXADECIMAL, _DECIMAL = re.compile(r"[0-9A-Fa-f]{1,64}"), re.compile(r"[0-9]{1,64}")


class Naming(NamedTuple):
    """The base of the number in answers and in receipts; None leaves names as they are.

    Numbers are kept in decimal without leading zeros, whoever wrote them.  What is no number stays as it is.
    """

    in_answers: int | None = None
    in_receipts: int | None = None

    def of_answer(self, name: str) -> str:
        return _decimal(name, self.in_answers)

    def of_receipt(self, name: str) -> str:
        return _decimal(name, self.in_receipts)

    def as_answered(self, name: str) -> str:
        """A kept name as the carrier gave it in its answer, to ask by; zeros in front are not remembered."""
        return f"{int(name):X}" if self.in_answers == 16 and _DECIMAL.fullmatch(name) else name


AS_IS = Naming()
#: By the setting `receipt_ids`.
NAMINGS = {"as_is": AS_IS, "hex_to_decimal": Naming(16, 10), "decimal_to_hex": Naming(10, 16)}


def _decimal(name: str, base: int | None) -> str:
    if base is None or not (_HEXADECIMAL if base == 16 else _DECIMAL).fullmatch(name):
        return name
    return str(int(name, base))
