"""What a carrier type is: frozen messages in, one outcome each out.  Nothing here knows our tables."""

from __future__ import annotations

import hashlib
import logging
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import Any, ClassVar, Literal

log = logging.getLogger(__name__)

#: Every carrier type the house knows.  A new one is a folder and a line here.
CHANNEL_TYPES: tuple[str, ...] = (
    "messaging.channels.types.smpp.link.SmppChannel",
    "messaging.channels.types.simulator.channel.SimulatorChannel",
)

#: Frozen by agreement only: the check would cost two microseconds a message on the way through.
plain_record = dataclass(slots=True, unsafe_hash=True)

Encoding = Literal["gsm7", "ucs2"]
ReceiptState = Literal["accepted", "delivered", "undelivered", "expired"]
BindState = Literal["bound", "connecting", "refused", "down"]
#: What a refusal found wanting: the message; the carrier or our account with it, whatever the message; or we found it
#: ourselves, and the carrier was not asked.
SpeaksOf = Literal["message", "carrier", "ourselves"]


class ConfigInvalid(ValueError):
    """A channel was told something it cannot work with.  `errors` names each field and what to do."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in self.errors.items()))


@plain_record
class Outgoing:
    """One message as a carrier needs it; `attempt_id` comes back on its outcome."""

    attempt_id: uuid.UUID
    sender: str
    recipient: str  # E.164 with +
    body: str
    encoding: Encoding
    segments: int
    reference: int  # 1..65535, echoed by the carrier in the receipt where the protocol allows it
    validity_seconds: int | None = None


@plain_record
class Sent:
    """The carrier took the message and calls it `reference`.

    A message that left in several parts is called by the name of its first; `further` holds those of the others, in
    order.  Each part gets a receipt of its own.
    """

    attempt_id: uuid.UUID
    reference: str
    further: tuple[str, ...] = ()


@plain_record
class Refused:
    """A definite no, in the carrier's own `code`.  `retry` says that the same submit may be welcome later.

    Only what `speaks_of` the carrier counts against it: a list of wrong numbers is refused by a carrier that is well.
    """

    attempt_id: uuid.UUID
    code: str
    retry: bool = False
    speaks_of: SpeaksOf = "message"


@plain_record
class NotSent:
    """No byte of it left this process: trying again, here or elsewhere, cannot send it twice."""

    attempt_id: uuid.UUID
    why: str


@plain_record
class Unknown:
    """Bytes may have left and no answer came: never to be sent again, its receipt will tell.

    Of a message that left in several `parts`, `references` are the names of those that were answered.
    """

    attempt_id: uuid.UUID
    why: str
    parts: int = 1
    references: tuple[str, ...] = ()


Outcome = Sent | Refused | NotSent | Unknown


@plain_record
class ParsedReceipt:
    """What a carrier says became of a message.  `at` is the carrier's clock: show it, do not order by it."""

    reference: str
    state: ReceiptState
    error_code: str = ""
    user_message_reference: int | None = None
    at: datetime | None = None
    recipient: str = ""
    sender: str = ""


@plain_record
class ParsedInbound:
    """A text from a handset.  `reference` is empty when the carrier gives it no name."""

    sender: str
    recipient: str
    body: str
    reference: str = ""


@plain_record
class RawDeliver:
    """One piece of news exactly as received, to be stored before anybody thinks about it.

    `key` is the same for every copy of a receipt, so a unique column on it counts copies once.
    A person may truly send the same text twice: the key of an inbound text also holds the carrier's
    own reference or, lacking one, where in which session it came, and so only stops exact replays.
    """

    kind: Literal["receipt", "inbound"]
    raw: bytes
    received_at: datetime
    origin: str = ""

    @property
    def key(self) -> str:
        return hashlib.sha256(f"{self.kind}\0{self.origin}\0".encode() + self.raw).hexdigest()


@dataclass(frozen=True, slots=True)
class ChannelState:
    """How the line stands now, for the operator's page and for health.

    It is bound while any of its binds is; `binds_up` of `binds` are.  For `silent_seconds` the carrier has owed answers and
    given none.
    """

    bind: BindState
    since: datetime
    last_error: str = ""
    in_flight: int = 0
    waiting: int = 0
    binds_up: int = 0
    binds: int = 1
    silent_seconds: float = 0.0


OnInbound = Callable[[list[RawDeliver]], None]
OnLeaving = Callable[[Sequence[uuid.UUID]], None]
OnAnswers = Callable[[Sequence[Outcome]], None]


class Channel(ABC):
    """One configured line to a carrier.

    Made from plain settings (`config_class` says which, secrets marked in the field's metadata).
    `on_inbound` is called in a thread of the channel's own with the news as it arrives; it is acknowledged to
    the carrier only after the call has returned, and sent again by the carrier when it raised.
    `on_leaving` is called with the attempts whose bytes are about to be handed to the network, each attempt once and
    before its first byte, those that leave together in one call.  It runs in the line's own thread and must be quick.
    What it raises keeps those attempts here: they are NotSent.
    `on_answers` is called the same way with the outcomes of answers, as they come in and before they are yielded.  What it
    raises is logged: they are in doubt then, should the process be killed before they are written down.
    """

    code: ClassVar[str]
    config_class: ClassVar[type]

    @abstractmethod
    def __init__(
        self,
        config: Mapping[str, Any],
        *,
        on_inbound: OnInbound | None = None,
        on_leaving: OnLeaving | None = None,
        on_answers: OnAnswers | None = None,
    ) -> None: ...

    @abstractmethod
    def send(self, batch: Sequence[Outgoing]) -> Iterator[Outcome]:
        """Hand over the batch and yield exactly one outcome per message, in any order, as soon as known.

        The handing over starts with the call, not with the first iteration.
        """

    @abstractmethod
    def parse_receipt(self, raw: bytes) -> ParsedReceipt | None:
        """Read a stored receipt; None when it uses a word we do not know."""

    @abstractmethod
    def parse_inbound(self, raw: bytes) -> ParsedInbound | None:
        """Read a stored text from a handset; None when it cannot be read."""

    @property
    def query_after_minutes(self) -> int | None:
        """How long a message may be without its receipt until the carrier should be asked; None when it can't be."""
        return None

    def query(self, references: Sequence[str], *, source: str) -> list[ParsedReceipt]:
        """Ask what became of messages sent from `source`; those the carrier says nothing about are left out.

        Blocks until all have been answered, at most a few seconds.  May be called while messages are being sent.
        """
        return []

    @abstractmethod
    def open(self) -> None:
        """Start the line and return once it is up or its first try has failed.  Call it after forking."""

    @abstractmethod
    def close(self) -> None:
        """Finish what is in flight, say goodbye and stop.  Closing twice is harmless."""

    @abstractmethod
    def state(self) -> ChannelState: ...


def pass_on(on_answers: OnAnswers | None, outcomes: Sequence[Outcome]) -> None:
    """Call `on_answers`, if there is any, with what was answered; what it raises is logged."""
    if on_answers is None or not outcomes:
        return
    try:
        on_answers(outcomes)
    except Exception:  # whatever it was, the answers themselves are on their way
        log.exception("answers could not be noted", extra={"count": len(outcomes)})


def secret(**kwargs: Any) -> Any:
    """A configuration field that is encrypted at rest and never shown again."""
    return field(repr=False, metadata={"secret": True}, **kwargs)


def one_of(*values: str) -> Any:
    """A configuration field that takes one of a few words, by default the first."""
    return field(default=values[0], metadata={"choices": values})


@cache
def known_types(paths: tuple[str, ...]) -> dict[str, type[Channel]]:
    """The carrier types behind those dotted paths, by their codes."""
    found = {}
    for path in paths:
        module, _, name = path.rpartition(".")
        kind = getattr(import_module(module), name)
        found[kind.code] = kind
    return found


def channel_type(code: str) -> type[Channel]:
    """The carrier type called `code`; KeyError when there is none."""
    return known_types(CHANNEL_TYPES)[code]
