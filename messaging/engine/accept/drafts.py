"""What comes in at the door, and what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from messaging.content.compiled import CompiledVersion
from messaging.content.models import SenderId
from messaging.engine.states import Status


@dataclass(frozen=True, slots=True)
class Draft:
    """One message somebody wants sent.  `row` is its line in a file, or its index in a request."""

    recipient: str  # E.164
    country: str  # ISO 3166
    version: CompiledVersion
    sender: SenderId
    values: Mapping[str, str] = field(default_factory=dict)
    client_reference: str = ""
    row: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one draft can't be accepted: its row, the field to blame, a stable code and what is wrong."""

    row: int
    field: str
    code: str
    message: Any


@dataclass(frozen=True, slots=True)
class AcceptedMessage:
    """One message that is on disk.  `price` is in micros; nothing for what an allowance pays."""

    id: UUID
    recipient: str
    row: int
    segments: int
    price: int
    status: Status
    error_code: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What one call of the door did."""

    messages: list[AcceptedMessage]
    refusals: list[Refusal]
    currency: str

    @property
    def segments(self) -> int:
        return sum(message.segments for message in self.messages)

    @property
    def price(self) -> int:
        """Micros held in the wallet."""
        return sum(message.price for message in self.messages)
