"""Messages on their way to the wire: written down, waiting for room, each owed exactly one outcome."""

from __future__ import annotations

import queue
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence

from messaging.channels.types.base import NotSent, Outcome, Outgoing, Refused, Sent, SpeaksOf, Unknown
from messaging.channels.types.smpp import pdu
from messaging.channels.types.smpp.names import AS_IS, Naming
from messaging.channels.types.smpp.submits import Writer

#: A definite no that is worth another try, here or elsewhere.
WORTH_ANOTHER_TRY = frozenset({pdu.THROTTLED, pdu.QUEUE_FULL, pdu.NOT_BOUND})
#: A no that means "not so fast".
TOO_FAST = frozenset({pdu.THROTTLED, pdu.QUEUE_FULL})
#: A no to whatever we would send: the carrier is in trouble, or our account with it is.
OF_THE_CARRIER = WORTH_ANOTHER_TRY | {
    pdu.INVALID_COMMAND, pdu.ALREADY_BOUND, pdu.SYSTEM_ERROR, pdu.BIND_FAILED, pdu.INVALID_PASSWORD,
    pdu.INVALID_SYSTEM_ID,
}  # fmt: skip
#: Its line went between its parts and did not come back in time.
INCOMPLETE = "incomplete"


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


class Submit:
    """One PDU to be: a message, or one part of it.  It is the session's token while it is in flight."""

    __slots__ = ("attempt_id", "body", "cost", "job", "place", "whole")

    def __init__(
        self, job: Job, attempt_id: uuid.UUID, body: bytes, cost: int, whole: Whole | None = None, place: int = 0
    ) -> None:
        self.job, self.attempt_id, self.body, self.cost = job, attempt_id, body, cost
        self.whole, self.place = whole, place

    @property
    def has_begun(self) -> bool:
        """Whether a byte of its message may have left already."""
        return self.whole is not None and self.whole.has_begun


class Whole:
    """A message of several parts, until all that left are answered; then it has one outcome."""

    __slots__ = ("_code", "_is_late", "_is_worth_another_try", "_lost", "_open", "_references", "_speaks_of", "_too_fast",
                 "attempt_id", "has_begun", "in_flight", "is_ended", "is_timed", "job")  # fmt: skip

    def __init__(self, job: Job, attempt_id: uuid.UUID, count: int) -> None:
        self.job, self.attempt_id = job, attempt_id
        self.has_begun = self.is_ended = self.is_timed = False
        self.in_flight, self._open = 0, count
        self._references = [""] * count
        self._code = self._lost = self._too_fast = ""
        self._is_worth_another_try = self._is_late = False
        self._speaks_of: SpeaksOf = "carrier"

    @property
    def goes_on(self) -> bool:
        """Whether parts that have not left yet still should."""
        return not (self._code or self.is_ended or self._is_late)

    def answered(self, place: int, status: int, reference: str) -> None:
        self.in_flight -= 1
        self._open -= 1
        if status:
            self._refuse(status_code(status), speaks_of(status), is_worth_another_try=status in WORTH_ANOTHER_TRY)
        elif reference:
            self._references[place] = reference
        else:
            self._lost = "accepted without a reference"

    def too_fast(self, status: int) -> None:
        """A part came back and will leave again."""
        self.in_flight -= 1
        self._too_fast = status_code(status)

    def lost(self, why: str) -> None:
        self.in_flight -= 1
        self._open -= 1
        self._lost = why

    def give_up(self) -> None:
        """What has not left by now never will."""
        self._is_late = True
        if self._open > self.in_flight:
            self._refuse(self._too_fast or INCOMPLETE, "carrier", is_worth_another_try=bool(self._too_fast))

    def outcome(self) -> Outcome | None:
        """The message's, once; None while a part is in flight or should still leave."""
        if self.is_ended or self.in_flight or (self._open and not self._code):
            return None
        self.is_ended = True
        if self._code:
            # Once a part is with the carrier, another try would bring that part twice.
            is_untouched = not self._lost and not any(self._references)
            may_try = is_untouched and self._is_worth_another_try
            return Refused(self.attempt_id, self._code, retry=may_try, speaks_of=self._speaks_of)
        if self._lost:
            known = tuple(name for name in self._references if name)
            return Unknown(self.attempt_id, self._lost, len(self._references), known)
        return Sent(self.attempt_id, self._references[0], tuple(self._references[1:]))

    def _refuse(self, code: str, speaks_of: SpeaksOf, *, is_worth_another_try: bool) -> None:
        if not self._code or not is_worth_another_try:  # the graver one is what stands
            self._code, self._speaks_of, self._is_worth_another_try = code, speaks_of, is_worth_another_try


def write_batch(batch: Sequence[Outgoing], job: Job, writer: Writer) -> tuple[list[Submit], list[Outcome]]:
    """The submits of a batch, and a refusal for each message that no carrier could be told."""
    submits: list[Submit] = []
    refusals: list[Outcome] = []
    for outgoing in batch:
        attempt_id = outgoing.attempt_id
        try:
            bodies = writer.write(outgoing)
        except (ValueError, OverflowError):  # Unencodable, a NUL, too long: no later try would go better
            refusals.append(Refused(attempt_id, "unencodable", speaks_of="ourselves"))
            continue
        if len(bodies) == 1:
            submits.append(Submit(job, attempt_id, bodies[0], outgoing.segments))
        else:
            whole = Whole(job, attempt_id, len(bodies))
            submits += [Submit(job, attempt_id, body, 1, whole, place) for place, body in enumerate(bodies)]
    return submits, refusals


def status_code(status: int) -> str:
    return f"0x{status:08X}"


def speaks_of(status: int) -> SpeaksOf:
    """What a carrier's no found wanting.  A code that is the carrier's own is taken to mean the message."""
    return "carrier" if status in OF_THE_CARRIER else "message"


def outcome_of(submit: Submit, status: int, body: bytes, naming: Naming = AS_IS) -> Outcome | None:
    """What the carrier's answer means for the message; None when other parts of it are still to be heard of."""
    reference = "" if status else pdu.decode_message_id(body)
    if naming is not AS_IS:
        reference = naming.of_answer(reference)
    if submit.whole:
        submit.whole.answered(submit.place, status, reference)
        return submit.whole.outcome()
    if status:
        may_try = status in WORTH_ANOTHER_TRY
        return Refused(submit.attempt_id, status_code(status), retry=may_try, speaks_of=speaks_of(status))
    if not reference:
        return Unknown(submit.attempt_id, "accepted without a reference")
    return Sent(submit.attempt_id, reference)


def unknown(submit: Submit, why: str) -> Outcome | None:
    """A submit left and will get no answer."""
    if submit.whole:
        submit.whole.lost(why)
        return submit.whole.outcome()
    return Unknown(submit.attempt_id, why)


def not_sent(submits: Iterable[Submit], why: str) -> None:
    """Tell that these never left, each message once.  No part of them may have begun."""
    told: list[tuple[Job, Outcome]] = []
    for submit in submits:
        if submit.whole is None or not submit.whole.is_ended:
            told.append((submit.job, NotSent(submit.attempt_id, why)))
        if submit.whole:
            submit.whole.is_ended = True
    tell(told)


def tell(outcomes: Iterable[tuple[Job, Outcome | None]]) -> None:
    """Give each job its outcomes in one piece."""
    by_job: dict[Job, list[Outcome]] = {}
    for job, outcome in outcomes:
        if outcome is not None:
            by_job.setdefault(job, []).append(outcome)
    for job, told in by_job.items():
        job.tell(told)
