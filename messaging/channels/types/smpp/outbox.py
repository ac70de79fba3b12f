"""Messages on their way to the wire: encoded, waiting for room, each owed exactly one outcome."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from messaging.channels.types.base import NotSent, Outcome, Outgoing, Refused, Sent, Unknown
from messaging.channels.types.smpp import pdu, text

#: A definite no that is worth another try, here or elsewhere.
WORTH_ANOTHER_TRY = frozenset({pdu.THROTTLED, pdu.QUEUE_FULL, pdu.NOT_BOUND})


class Job:
    """One call of `send`: outcomes are put in from the loop and taken out by the caller's thread."""

    def __init__(self, batch: Sequence[Outgoing]) -> None:
        self._results: queue.SimpleQueue[list[Outcome]] = queue.SimpleQueue()
        self._owed = {outgoing.attempt_id for outgoing in batch}

    def tell(self, outcomes: list[Outcome]) -> None:
        self._results.put(outcomes)

    def outcomes(self, *, is_alive: Callable[[], bool]) -> Iterator[Outcome]:
        """Yield each outcome as it comes.  Should the line's thread die, what is still owed is Unknown."""
        while self._owed:
            try:
                told = self._results.get(timeout=1)
            except queue.Empty:
                if is_alive():
                    continue
                told = [Unknown(attempt_id, "the line's thread ended") for attempt_id in self._owed]
            for outcome in told:
                self._owed.discard(outcome.attempt_id)
                yield outcome


@dataclass(slots=True, eq=False)
class Entry:
    """One encoded submit.  It is the session's token while it is in flight."""

    job: Job
    outgoing: Outgoing
    body: bytes


def encode_batch(batch: Sequence[Outgoing], job: Job) -> tuple[list[Entry], list[Outcome]]:
    """The submits of a batch, and a refusal for each message that no carrier could be told."""
    entries, refusals = [], []
    for outgoing in batch:
        try:
            entries.append(Entry(job, outgoing, encode_submit(outgoing)))
        except (ValueError, OverflowError):  # Unencodable, a NUL, too long: no later try would go better
            refusals.append(Refused(outgoing.attempt_id, "unencodable"))
    return entries, refusals


def encode_submit(outgoing: Outgoing) -> bytes:
    data_coding, octets = text.encode(outgoing.body, outgoing.encoding)
    sender, ton, npi = source_address(outgoing.sender)
    message = pdu.Message(
        source=sender,
        destination=outgoing.recipient.removeprefix("+"),
        text=octets,
        data_coding=data_coding,
        source_ton=ton,
        source_npi=npi,
        registered_delivery=1,
        validity=pdu.relative_time(outgoing.validity_seconds) if outgoing.validity_seconds else "",
        tlvs={pdu.USER_MESSAGE_REFERENCE: outgoing.reference.to_bytes(2, "big")},
    )
    # One submit however long: the carrier cuts it up, and the message keeps one reference and one receipt.
    return pdu.encode_message(message, as_payload=outgoing.segments > 1)


def source_address(sender: str) -> tuple[str, int, int]:
    """The sender, its type of number and its numbering plan: a name, a full number or a short code."""
    digits = sender.removeprefix("+")
    if not digits.isdigit() or not digits.isascii():
        if not sender.isascii() or len(sender) > 20:
            raise ValueError("a sender must be up to 20 ASCII characters")
        return sender, 5, 0
    if sender.startswith("+") or len(digits) > 8:
        return digits[:20], 1, 1
    return digits, 3, 0


def outcome_of(entry: Entry, status: int, body: bytes) -> Outcome:
    """What the carrier's answer means."""
    attempt_id = entry.outgoing.attempt_id
    if status:
        return Refused(attempt_id, f"0x{status:08X}", retry=status in WORTH_ANOTHER_TRY)
    reference = pdu.decode_message_id(body)
    if not reference:
        return Unknown(attempt_id, "accepted without a reference")
    return Sent(attempt_id, reference)


def tell_all(entries: Sequence[Entry], outcome: Callable[[Entry], Outcome]) -> None:
    """Give each job its outcomes in one piece."""
    by_job: dict[Job, list[Outcome]] = {}
    for entry in entries:
        by_job.setdefault(entry.job, []).append(outcome(entry))
    for job, outcomes in by_job.items():
        job.tell(outcomes)


def not_sent(why: str) -> Callable[[Entry], Outcome]:
    return lambda entry: NotSent(entry.outgoing.attempt_id, why)


def unknown(why: str) -> Callable[[Entry], Outcome]:
    return lambda entry: Unknown(entry.outgoing.attempt_id, why)
