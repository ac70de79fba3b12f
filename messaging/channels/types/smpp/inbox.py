"""News from the carrier: gathered, stored by our owner, and acknowledged only then."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from messaging.channels.types.base import OnInbound, RawDeliver
from messaging.channels.types.smpp import pdu, receipts
from messaging.channels.types.smpp.session import Session

logger = logging.getLogger(__name__)

LARGEST_BATCH = 1_000
GATHER_SECONDS = 0.02
#: A carrier that had so much news at once lets us take our time with the next: fewer, larger batches cost less.
BUSY_BATCH = 200
BUSY_GATHER_SECONDS = 0.04


class Inbox:
    """Hands news to `on_inbound` in batches, one batch at a time, in one thread that is its own."""

    def __init__(self, on_inbound: OnInbound | None) -> None:
        self._on_inbound = on_inbound
        self._gathered: list[tuple[Session, int, RawDeliver]] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="smpp-inbox")
        self._timer: asyncio.TimerHandle | None = None
        self._storing: asyncio.Task | None = None
        self._is_finishing = False

    def take(self, session: Session, requests: list[tuple[int, bytes]]) -> None:
        """Gather deliver_sms; one that is no message is refused at once and costs the others nothing."""
        now = datetime.now(UTC)
        for sequence, body in requests:
            try:
                message = pdu.decode_message(body)
            except pdu.ProtocolError as error:
                logger.warning("smpp.deliver_unreadable", extra={"why": str(error)})
                session.answer(pdu.DELIVER_SM, sequence, error.status, b"\0")
                continue
            self._gathered.append((session, sequence, _raw(session, sequence, body, message, now)))
        if self._gathered and not self._storing:
            self._arrange()

    async def finish(self) -> None:
        """Store and acknowledge what has been gathered."""
        self._is_finishing = True
        self._begin()
        while self._storing:
            await self._storing

    def stop(self) -> None:
        self._thread.shutdown(wait=False)

    def _arrange(self) -> None:
        if len(self._gathered) >= LARGEST_BATCH:
            self._begin()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._begin)

    def _begin(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._gathered and not self._storing:
            self._storing = asyncio.get_running_loop().create_task(self._store())

    async def _store(self) -> None:
        while self._gathered:
            batch, self._gathered = self._gathered[:LARGEST_BATCH], self._gathered[LARGEST_BATCH:]
            status = await self._stored([news for _session, _sequence, news in batch])
            for session, sequence, _news in batch:
                session.answer(pdu.DELIVER_SM, sequence, status, b"\0")
            if len(self._gathered) < LARGEST_BATCH and not self._is_finishing:
                await asyncio.sleep(BUSY_GATHER_SECONDS if len(batch) >= BUSY_BATCH else GATHER_SECONDS)
        self._storing = None

    async def _stored(self, news: list[RawDeliver]) -> int:
        if self._on_inbound is None:
            return pdu.SYSTEM_ERROR
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._on_inbound, news)
        except Exception:  # whatever it was, the news is not stored: the carrier keeps it and sends it again
            logger.exception("smpp.inbound_not_stored", extra={"count": len(news)})
            return pdu.SYSTEM_ERROR
        return pdu.OK


def _raw(session: Session, sequence: int, body: bytes, message: pdu.Message, now: datetime) -> RawDeliver:
    if message.is_receipt:
        return RawDeliver("receipt", body, now)
    origin = receipts.inbound_reference(message) or f"{session.name}/{sequence}"
    return RawDeliver("inbound", body, now, origin)
