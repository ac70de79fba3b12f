"""Asking a carrier what became of messages whose receipts never came."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

from messaging.channels.types.base import ParsedReceipt
from messaging.channels.types.smpp import pdu
from messaging.channels.types.smpp.names import Naming
from messaging.channels.types.smpp.receipts import STATES_BY_NUMBER
from messaging.channels.types.smpp.session import ConnectFailed, Session

logger = logging.getLogger(__name__)

#: Questions on the way at once: few, since sending goes on meanwhile.
AT_ONCE = 10


async def ask_all(
    session: Session, references: Sequence[str], *, address: tuple[str, int, int], naming: Naming, timeout: float
) -> list[ParsedReceipt]:
    """One question for each message, some at a time; what is not answered, or with a no, is left out."""
    places = asyncio.Semaphore(AT_ONCE)

    async def ask(reference: str) -> ParsedReceipt | None:
        query = pdu.Query(naming.as_answered(reference), *address)
        async with places:
            try:
                status, body = await session.ask(pdu.QUERY_SM, pdu.encode_query(query), timeout=timeout)
                return None if status else read_answer(pdu.decode_query_answer(body), reference)
            except (TimeoutError, ConnectFailed, pdu.ProtocolError) as error:
                logger.info("smpp.query_unanswered", extra={"reference": reference, "why": str(error)})
                return None

    answers = await asyncio.gather(*(ask(reference) for reference in references))
    return [answer for answer in answers if answer]


def read_answer(answer: pdu.QueryAnswer, reference: str) -> ParsedReceipt | None:
    """None when the carrier does not know, or says it in a number we do not know."""
    state = STATES_BY_NUMBER.get(answer.message_state)
    if state is None:
        return None
    code = f"{answer.error_code:03d}" if answer.error_code else ""
    return ParsedReceipt(reference=reference, state=state, error_code=code, at=_instant(answer.final_date))


def _instant(stamp: str) -> datetime | None:
    """`YYMMDDhhmmsstnnp`: tenths are left out, nn quarter hours ahead of UTC (+) or behind it (-)."""
    try:
        at = datetime.strptime(f"{stamp[:12]}+0000", "%y%m%d%H%M%S%z")
        quarters = int(stamp[13:15]) if stamp[15:] in ("+", "-") else 0
        ahead = timezone(timedelta(minutes=15 * (-quarters if stamp.endswith("-") else quarters)))
        return at.replace(tzinfo=ahead).astimezone(UTC)
    except ValueError:
        return None
