"""What becomes of each message, for whoever asks."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from messaging.channels.types.smpp import pdu
from portal.stack.carrier.postbag import STATE_NUMBERS
from portal.stack.carrier.rules import Verdict

#: Messages remembered; the oldest are forgotten first.
MOST = 200_000


class Fates:
    """The state of every message of late, final once its time has come, whether or not a receipt was sent."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, str, str, str]] = {}

    def remember(self, message_id: str, source: str, fate: Verdict, *, seconds: float) -> None:
        self._known[message_id] = (time.time() + seconds, source, fate.state, fate.error_code)
        if len(self._known) > MOST:
            del self._known[next(iter(self._known))]

    def answer(self, query: pdu.Query) -> pdu.QueryAnswer | None:
        """None for a message that is not known, or was sent from another source."""
        final_at, source, state, error_code = self._known.get(query.message_id, (0.0, None, "", "0"))
        if source != query.source:
            return None
        if final_at > time.time():
            return pdu.QueryAnswer(query.message_id, "", STATE_NUMBERS["ENROUTE"], 0)
        final_date = pdu.absolute_time(datetime.fromtimestamp(final_at, UTC))
        return pdu.QueryAnswer(query.message_id, final_date, STATE_NUMBERS[state], int(error_code))
