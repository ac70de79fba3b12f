"""What becomes of each message, for whoever asks."""

from __future__ import annotations

import struct
import time
from datetime import UTC, datetime

from messaging.channels.types.smpp import pdu
from portal.stack.carrier.names import Names
from portal.stack.carrier.postbag import STATE_NUMBERS
from portal.stack.carrier.rules import Verdict

#: Messages remembered; the oldest are forgotten first.
MOST = 200_000
#: Number, when it is final, hash of its source, state, error code: a tenth of what they take as objects.
_FATE = struct.Struct("=QdqBB")
#: An answer has one octet for the error code.  This says one that has no place there.
_OTHER_CODE = 255


class Fates:
    """The state of every message of late, final once its time has come, whether or not a receipt was sent.

    Their memory is set aside at the start: it does not grow with the messages.
    """

    def __init__(self, names: Names, *, most: int = MOST) -> None:
        self._names, self._most = names, most
        self._known = bytearray(most * _FATE.size)

    def remember(self, number: int, source: str, fate: Verdict, *, seconds: float) -> None:
        facts = time.time() + seconds, hash(source), STATE_NUMBERS[fate.state], _octet_of(fate.error_code)
        _FATE.pack_into(self._known, self._place_of(number), number, *facts)

    def answer(self, query: pdu.Query) -> pdu.QueryAnswer | None:
        """None for a message that is not known, or was sent from another source."""
        asked = self._names.number_of(query.message_id)
        if asked is None:
            return None
        number, final_at, source, state, error_code = _FATE.unpack_from(self._known, self._place_of(asked))
        if (number, source) != (asked, hash(query.source)):
            return None
        if final_at > time.time():
            return pdu.QueryAnswer(query.message_id, "", STATE_NUMBERS["ENROUTE"], 0)
        final_date = pdu.absolute_time(datetime.fromtimestamp(final_at, UTC))
        return pdu.QueryAnswer(query.message_id, final_date, state, error_code)

    def _place_of(self, number: int) -> int:
        return number % self._most * _FATE.size


def _octet_of(error_code: str) -> int:
    return min(int(error_code), _OTHER_CODE) if error_code.isdecimal() else _OTHER_CODE
