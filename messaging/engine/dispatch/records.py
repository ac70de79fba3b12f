"""What the wire journal is made of: a record for each message that is about to leave, for each answer of its carrier's, and
for each that is back in the queue.

A record is a byte that says which it is and the message's id; an answer goes on with its length (two bytes) and itself:
the carrier's name for a message that left in one part, else the outcome's name and fields as JSON.  Whoever changes the
fields of an outcome, or a record, gives the journal another header (`wire.py`).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import NamedTuple
from uuid import UUID

from messaging.channels.types.base import Outcome, Refused, Sent, Unknown

_LEFT, _TAKEN, _OTHER, _BACK = b"L", b"T", b"O", b"B"
_ID = slice(1, 17)
_LENGTH = slice(17, 19)
_MOST = 0xFFFF
_KINDS = {kind.__name__: kind for kind in (Sent, Refused, Unknown)}


class Written(NamedTuple):
    """What a journal proves: the messages whose bytes may have left, and what the carrier answered to those since."""

    left: set[UUID]
    answers: dict[UUID, Outcome]


def of_leaving(message_ids: Sequence[UUID]) -> bytes:
    return b"".join([_LEFT + id.bytes for id in message_ids])


def of_returned(message_ids: Iterable[UUID]) -> bytes:
    return b"".join([_BACK + id.bytes for id in message_ids])


def of_answers(outcomes: Iterable[Outcome]) -> bytes:
    """Those of outcomes a carrier answered with, each short enough to be written down."""
    return b"".join(map(_of_answer, outcomes))


def _of_answer(outcome: Outcome) -> bytes:
    if type(outcome) is Sent and not outcome.further:
        kind, said = _TAKEN, outcome.reference.encode()
    elif type(outcome).__name__ in _KINDS:
        fields = {name: value for name, value in asdict(outcome).items() if name != "attempt_id"}
        kind, said = _OTHER, json.dumps([type(outcome).__name__, fields]).encode()
    else:  # it never left: nothing was answered
        return b""
    return kind + outcome.attempt_id.bytes + len(said).to_bytes(2) + said if len(said) <= _MOST else b""


def read(records: bytes) -> Written:
    """What the records say of each message's last try: what went before it was back in the queue, or left again, is over.

    One that was cut off at the end is left out.  Raises ValueError for what is no record.
    """
    left: set[UUID] = set()
    answers: dict[UUID, Outcome] = {}
    at = 0
    while at + _ID.stop <= len(records):
        kind, id = records[at : at + 1], UUID(bytes=records[at + _ID.start : at + _ID.stop])
        if kind in (_LEFT, _BACK):
            (left.add if kind == _LEFT else left.discard)(id)
            answers.pop(id, None)
            at += _ID.stop
            continue
        if kind not in (_TAKEN, _OTHER):
            raise ValueError(f"{kind!r} begins no record")
        begins = at + _LENGTH.stop
        at = begins + int.from_bytes(records[at + _LENGTH.start : begins])
        if begins > len(records) or at > len(records):
            break
        answers[id] = _answer(kind, id, records[begins:at].decode())
    return Written(left, answers)


def _answer(kind: bytes, id: UUID, said: str) -> Outcome:
    if kind == _TAKEN:
        return Sent(id, said)
    name, fields = json.loads(said)
    return _KINDS[name](
        id, **{key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
    )
