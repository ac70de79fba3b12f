"""What really left the house, by the demo carrier's own log rather than by our tables."""

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Testimony:
    """Submits the carrier took (or left unanswered), by destination."""

    handed_over: Counter[str]

    def more_than_once(self) -> list[str]:
        return sorted(number for number, count in self.handed_over.items() if count > 1)


class CarrierLog:
    """The carrier's journal from now on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.start = path.stat().st_size if path.exists() else 0

    @property
    def exists(self) -> bool:
        return self.path.exists()

    def about(self, numbers: Collection[str]) -> Testimony:
        """What it says of these numbers (E.164).  A refused submit was not handed over; it may have been tried again."""
        wanted = {number.lstrip("+") for number in numbers}
        counted: Counter[str] = Counter()
        with self.path.open("rb") as file:
            file.seek(self.start)
            for line in file:
                if not line.endswith(b"\n"):
                    break  # still being written
                submit = json.loads(line)
                if submit["destination"] in wanted and submit["status"] in (0, None):
                    counted[submit["destination"]] += 1
        return Testimony(counted)
