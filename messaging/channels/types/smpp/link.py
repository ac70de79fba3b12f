"""The SMPP carrier type: a line that stays bound by itself, behind a synchronous face."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from messaging.channels.types.base import (
    Channel,
    ChannelState,
    NotSent,
    OnAnswers,
    OnInbound,
    OnLeaving,
    Outcome,
    Outgoing,
    ParsedInbound,
    ParsedReceipt,
)
from messaging.channels.types.smpp import pdu, receipts
from messaging.channels.types.smpp.config import SmppConfig
from messaging.channels.types.smpp.line import Line
from messaging.channels.types.smpp.names import NAMINGS
from messaging.channels.types.smpp.submits import own_alphabets


class SmppChannel(Channel):
    """A line of one or several SMPP binds.  Make it anywhere, `open` it in the process that will use it; `send` from any thread."""

    code = "smpp"
    config_class = SmppConfig

    def __init__(
        self,
        config: Mapping[str, Any] | SmppConfig,
        *,
        on_inbound: OnInbound | None = None,
        on_leaving: OnLeaving | None = None,
        on_answers: OnAnswers | None = None,
    ) -> None:
        self.config = config if isinstance(config, SmppConfig) else SmppConfig.from_mapping(config)
        self._on_inbound, self._on_leaving, self._on_answers = on_inbound, on_leaving, on_answers
        self._naming, self._alphabets = NAMINGS[self.config.receipt_ids], own_alphabets(self.config)
        self._line: Line | None = None

    def open(self) -> None:
        if self._line is None:
            self._line = Line(self.config, self._on_inbound, self._on_leaving, self._on_answers)
            self._line.start()

    def close(self) -> None:
        line, self._line = self._line, None
        if line:
            line.stop()

    def send(self, batch: Sequence[Outgoing]) -> Iterator[Outcome]:
        if self._line is None:
            return iter([NotSent(outgoing.attempt_id, "the channel is not open") for outgoing in batch])
        return self._line.send(batch)

    def parse_receipt(self, raw: bytes) -> ParsedReceipt | None:
        try:
            return receipts.parse_receipt(pdu.decode_message(raw), form=self.config.receipt_format, naming=self._naming)
        except pdu.ProtocolError:
            return None

    def parse_inbound(self, raw: bytes) -> ParsedInbound | None:
        try:
            return receipts.parse_inbound(
                pdu.decode_message(raw), is_packed=self.config.gsm7 == "packed", alphabets=self._alphabets
            )
        except pdu.ProtocolError:
            return None

    @property
    def query_after_minutes(self) -> int | None:
        return self.config.query_after_minutes

    def query(self, references: Sequence[str], *, source: str) -> list[ParsedReceipt]:
        return self._line.query(references, source=source) if self._line else []

    def state(self) -> ChannelState:
        if self._line is None:
            return ChannelState("down", datetime.now(UTC), "the channel is not open")
        return self._line.state()
