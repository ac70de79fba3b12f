"""The tests every carrier type gets for writing down its cases; `docs/howto/add-a-channel.md` shows them in use."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from messaging.channels.types.base import Channel, Outgoing, ParsedReceipt, Sent

PLAIN = Outgoing(
    attempt_id=uuid.UUID(int=1),
    sender="Signalbox",
    recipient="+447700900123",
    body="Hello",
    encoding="gsm7",
    segments=1,
    reference=42,
)

#: Plays the carrier: given the case's answer, yields settings to add to the config and a list of what it saw.
Stage = Callable[[Any], AbstractContextManager[tuple[Mapping[str, Any], list[Mapping[str, Any]]]]]


@dataclass(frozen=True)
class Send:
    """One message out.  `gives` is the carrier's reference when it is sent, else the kind of outcome."""

    label: str
    answer: Any
    gives: str | type
    expect: Mapping[str, Any] = field(default_factory=dict)  # what the carrier must have seen
    outgoing: Outgoing = PLAIN


@dataclass(frozen=True)
class Receipt:
    """One piece of news in; None when its word is not known."""

    label: str
    raw: bytes
    gives: ParsedReceipt | None


def channel_tests(
    kind: type[Channel], *, config: Mapping[str, Any], stage: Stage, sends: Sequence[Send], receipts: Sequence[Receipt]
) -> tuple[Callable[[Send], None], Callable[[Receipt], None]]:
    """Two test functions, to be given names that begin with `test_`."""

    @pytest.mark.parametrize("case", sends, ids=lambda case: case.label)
    def sends_and_tells_the_outcome(case: Send) -> None:
        outgoing = replace(case.outgoing, attempt_id=uuid.uuid4())
        with stage(case.answer) as (settings, seen):
            channel = kind({**config, **settings})
            channel.open()
            try:
                outcomes = list(channel.send([outgoing]))
            finally:
                channel.close()

        assert [outcome.attempt_id for outcome in outcomes] == [outgoing.attempt_id]
        if isinstance(case.gives, str):
            assert outcomes == [Sent(outgoing.attempt_id, case.gives)]
        else:
            assert isinstance(outcomes[0], case.gives)
        if case.expect:
            assert {name: seen[0].get(name) for name in case.expect} == dict(case.expect)

    @pytest.mark.parametrize("case", receipts, ids=lambda case: case.label)
    def reads_receipts(case: Receipt) -> None:
        assert kind(config).parse_receipt(case.raw) == case.gives

    return sends_and_tells_the_outcome, reads_receipts
