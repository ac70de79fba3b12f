"""Carriers that note what reached them, and the moods they are in."""

from collections import Counter

from messaging.channels.types.smpp import pdu

#: How many a carrier takes before it fails.
WELL_FOR = 8


class Witness:
    """A carrier's own list of what it was sent and what it said to it, while it does what a test tells it."""

    def __init__(self):
        self.seen: list[tuple[str, int | None]] = []
        self.in_hand, self.most_in_hand = Counter(), 0
        self.mood = well

    def __call__(self, session, sequence, message):
        self.in_hand[session.name] += 1
        self.most_in_hand = max(self.most_in_hand, self.in_hand[session.name])
        status = self.mood(self, session, sequence, message)
        self.seen.append((f"+{message.destination}", status))
        self.in_hand[session.name] -= status is not None

    @property
    def may_arrive(self):
        """The numbers of what it took, and of what it never answered."""
        return [number for number, status in self.seen if not status]

    @property
    def seen_numbers(self):
        return {number for number, _status in self.seen}

    @property
    def taken(self):
        return {number for number, status in self.seen if status == pdu.OK}

    def answer(self, session, sequence, status=pdu.OK):
        body = b"" if status else pdu.encode_message_id(f"{session.name[:8]}-{sequence}")
        session.answer(pdu.SUBMIT_SM, sequence, status, body)
        return status


def well(witness, session, sequence, message):
    return witness.answer(session, sequence)


def silent(witness, session, sequence, message):
    session.leave_unanswered()


def late(witness, session, sequence, message):
    """Long after anybody waits for it."""
    session._loop.call_later(0.6, witness.answer, session, sequence)


def hanging_up_within_an_answer(witness, session, sequence, message):
    session._out.append(pdu.frame(pdu.SUBMIT_SM | pdu.ANSWER, pdu.OK, sequence, pdu.encode_message_id("m1"))[:11])
    session.close("hung up by the test")


def throttling(witness, session, sequence, message):
    return witness.answer(session, sequence, pdu.THROTTLED)


def failing_after_a_while(witness, session, sequence, message):
    return witness.answer(session, sequence, pdu.SYSTEM_ERROR if len(witness.seen) > WELL_FOR else pdu.OK)


def swapping(witness, session, sequence, message):
    """The later of two is answered first."""
    held = witness.__dict__.setdefault("held", [])
    held.append((session, sequence))
    if len(held) == 2:
        for one in reversed(held):
            witness.answer(*one)
        held.clear()
    return pdu.OK


def answering_twice(witness, session, sequence, message):
    witness.answer(session, sequence)
    session.answer(pdu.SUBMIT_SM, sequence, pdu.THROTTLED)
    return pdu.OK


# only what nobody has in hand


def holding(witness, session, sequence, message):
    """Keep the answer until the test lets it go."""
    witness.__dict__.setdefault("held", []).append((session, sequence, f"+{message.destination}"))
