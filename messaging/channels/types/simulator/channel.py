"""The carrier behind test keys: it lives in our own process, so what is sent to it never leaves the house.

Like real test numbers, the last digits decide: …0001 is undelivered (code "absent"), …0002 is refused at once,
…0003 gets no receipt.  Every other number is delivered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from messaging.channels.types.base import (
    Channel,
    ChannelState,
    ConfigInvalid,
    NotSent,
    OnAnswers,
    OnInbound,
    OnLeaving,
    Outcome,
    Outgoing,
    ParsedInbound,
    ParsedReceipt,
    RawDeliver,
    Refused,
    Sent,
    pass_on,
)

UNDELIVERED, REFUSED, SILENT = "0001", "0002", "0003"


@dataclass(frozen=True, slots=True)
class SimulatorConfig:
    window: int = 300
    rate_per_second: float | None = None

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> SimulatorConfig:
        unknown = set(values) - {"window", "rate_per_second"}
        if unknown:
            raise ConfigInvalid(dict.fromkeys(unknown, "is not a setting of the simulator"))
        return cls(**values)


class SimulatorChannel(Channel):
    """Answers at once and reports at once."""

    code = "simulator"
    config_class = SimulatorConfig

    def __init__(
        self,
        config: Mapping[str, Any],
        *,
        on_inbound: OnInbound | None = None,
        on_leaving: OnLeaving | None = None,
        on_answers: OnAnswers | None = None,
    ) -> None:
        self.config = SimulatorConfig.from_mapping(config)
        self._on_inbound, self._on_leaving, self._on_answers = on_inbound, on_leaving, on_answers
        self._since = datetime.now(UTC)

    def send(self, batch: Sequence[Outgoing]) -> Iterator[Outcome]:
        if self._on_leaving and batch:
            try:
                self._on_leaving([message.attempt_id for message in batch])
            except Exception as error:  # whatever it was, nobody would know that they left
                why = f"its leaving could not be noted: {error}"
                return iter([NotSent(message.attempt_id, why) for message in batch])
        outcomes = [self._answer(message) for message in batch]
        pass_on(self._on_answers, outcomes)
        news = [
            self._receipt(message, outcome)
            for message, outcome in zip(batch, outcomes, strict=True)
            if isinstance(outcome, Sent) and not message.recipient.endswith(SILENT)
        ]
        if self._on_inbound and news:
            self._on_inbound(news)
        return iter(outcomes)

    def parse_receipt(self, raw: bytes) -> ParsedReceipt | None:
        return ParsedReceipt(**json.loads(raw))

    def parse_inbound(self, raw: bytes) -> ParsedInbound | None:
        return None

    def open(self) -> None:
        """Always open."""

    def close(self) -> None:
        """Nothing to say goodbye to."""

    def state(self) -> ChannelState:
        return ChannelState("bound", self._since, binds_up=1)

    def _answer(self, message: Outgoing) -> Outcome:
        if message.recipient.endswith(REFUSED):
            return Refused(message.attempt_id, "test_refused")
        return Sent(message.attempt_id, f"test-{message.attempt_id}")

    def _receipt(self, message: Outgoing, outcome: Sent) -> RawDeliver:
        is_undelivered = message.recipient.endswith(UNDELIVERED)
        receipt = {
            "reference": outcome.reference,
            "state": "undelivered" if is_undelivered else "delivered",
            "error_code": "absent" if is_undelivered else "",
            "recipient": message.recipient,
        }
        return RawDeliver("receipt", json.dumps(receipt).encode(), datetime.now(UTC))
