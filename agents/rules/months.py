"""A calendar month somewhere on earth."""

import re
from dataclasses import dataclass
from datetime import datetime, tzinfo

_WRITTEN = re.compile(r"(2[0-9]{3})-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    year: int
    number: int

    @classmethod
    def of(cls, instant: datetime, zone: tzinfo) -> "Month":
        """The month it is there at that instant."""
        local = instant.astimezone(zone)
        return cls(local.year, local.month)

    @classmethod
    def read(cls, text: str) -> "Month":
        """From 2026-11.  Raises ValueError for anything else."""
        found = _WRITTEN.fullmatch(text)
        if not found:
            raise ValueError(f"not a month: {text!r}")
        return cls(int(found[1]), int(found[2]))

    @property
    def following(self) -> "Month":
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def previous(self) -> "Month":
        return Month(self.year - (self.number == 1), (self.number - 2) % 12 + 1)

    def begin(self, zone: tzinfo) -> datetime:
        return datetime(self.year, self.number, 1, tzinfo=zone)

    def span(self, zone: tzinfo) -> tuple[datetime, datetime]:
        """Its first instant there, and the next month's."""
        return self.begin(zone), self.following.begin(zone)

    def __str__(self) -> str:
        return f"{self.year}-{self.number:02}"
