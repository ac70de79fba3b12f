"""What becomes of each row: a recipient, unusable, a duplicate or blank; and how many of each there are."""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from secrets import randbits
from types import MappingProxyType
from typing import Final, NamedTuple

from messaging.recipients.rules.numbers import Number, parse_number

from .columns import ColumnMapping
from .shapes import Row

VALID: Final = "valid"
UNUSABLE: Final = "unusable"
DUPLICATE: Final = "duplicate"
BLANK: Final = "blank"


class Verdict(NamedTuple):
    """What became of one row.

    `typed` is the number cell untouched. `number` is there for valid rows and duplicates, `reason` for unusable
    ones (see `numbers.REASONS`), `first_row` for duplicates: the row that has the number already.
    """

    row: int
    status: str
    typed: str = ""
    number: Number | None = None
    reason: str = ""
    first_row: int = 0
    values: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Summary:
    """How many rows of each kind, so that rows = valid + unusable + duplicates + blank; countries largest first."""

    rows: int
    valid: int
    unusable: int
    duplicates: int
    blank: int
    by_country: Mapping[str, int]
    by_reason: Mapping[str, int]


class Tally:
    """Judges rows one at a time and keeps count; needs 25 bytes for each number it has seen."""

    def __init__(self, mapping: ColumnMapping, *, default_region: str) -> None:
        self._column = mapping.number_column
        self._variables = tuple(mapping.variables.items())
        self._default_region = default_region
        self._seen = SeenNumbers()
        self._statuses: Counter[str] = Counter()
        self._countries: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()

    def read(self, rows: Iterable[Row]) -> Iterator[Verdict]:
        """A verdict for every row, in order. May be called again with the rows that follow."""
        for row in rows:
            yield self.judge(row)

    def judge(self, row: Row) -> Verdict:
        """The verdict on the next row. A row without a number is unusable; only a row without anything is blank."""
        verdict = self._verdict(row)
        self._statuses[verdict.status] += 1
        if verdict.status == VALID:
            self._countries[verdict.number.country] += 1
        elif verdict.status == UNUSABLE:
            self._reasons[verdict.reason] += 1
        return verdict

    def _verdict(self, row: Row) -> Verdict:
        number, cells = row
        if not cells:
            return Verdict(number, BLANK)
        typed = cells[self._column] if self._column < len(cells) else ""
        read = parse_number(typed, default_region=self._default_region)
        if not isinstance(read, Number):
            if row.is_blank:
                return Verdict(number, BLANK)
            return Verdict(number, UNUSABLE, typed, reason=read.reason)
        if first_row := self._seen.add(read.digits, number):
            return Verdict(number, DUPLICATE, typed, read, first_row=first_row)
        return Verdict(number, VALID, typed, read, values=self._values(cells))

    def _values(self, cells: tuple[str, ...]) -> dict[str, str]:
        width = len(cells)
        return {name: cells[index] if index < width else "" for name, index in self._variables}

    def summary(self) -> Summary:
        """The count so far."""
        return Summary(
            rows=self._statuses.total(),
            valid=self._statuses[VALID],
            unusable=self._statuses[UNUSABLE],
            duplicates=self._statuses[DUPLICATE],
            blank=self._statuses[BLANK],
            by_country=dict(self._countries.most_common()),
            by_reason=dict(self._reasons.most_common()),
        )


class SeenNumbers:
    """Numbers with the row each came first in: a hash table in two arrays, a sixth of what a dict would take."""

    def __init__(self) -> None:
        # Odd and secret, so that nobody can choose numbers that all fall into one slot.
        self._multiplier = randbits(64) | 1
        self._bits = 10
        self._count = 0
        self._clear()

    def _clear(self) -> None:
        size = 1 << self._bits
        self._numbers = array("Q", bytes(8 * size))
        self._rows = array("I", bytes(4 * size))

    @property
    def bytes(self) -> int:
        """The memory it takes."""
        return sum(table.itemsize * len(table) for table in (self._numbers, self._rows))

    def add(self, number: int, row: int) -> int:
        """0 and the number is remembered, or the row it was first seen in. `number` and `row` are above 0."""
        slot = self._slot_of(number)
        if self._numbers[slot]:
            return self._rows[slot]
        self._numbers[slot] = number
        self._rows[slot] = row
        self._count += 1
        if self._count * 3 > 2 << self._bits:
            self._grow()
        return 0

    def _slot_of(self, number: int) -> int:
        numbers = self._numbers
        mask = (1 << self._bits) - 1
        slot = (number * self._multiplier & 0xFFFFFFFFFFFFFFFF) >> (64 - self._bits)
        while numbers[slot] and numbers[slot] != number:
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        numbers, rows = self._numbers, self._rows
        self._bits += 1
        self._clear()
        for number, row in zip(numbers, rows, strict=True):
            if number:
                slot = self._slot_of(number)
                self._numbers[slot], self._rows[slot] = number, row
