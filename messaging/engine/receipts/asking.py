"""Receipts that are late: where a carrier answers, it is asked, and its answer stored as the receipt it stands for."""

import logging
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, cast

from django.conf import settings
from django.db import connection

from kit import tenancy
from kit.sql import records
from messaging.channels.runtime import OpenChannel, open_channels
from messaging.channels.types.base import Channel, ParsedReceipt, RawDeliver

from .inbox import store_news
from .meaning import FINAL_WORDS

log = logging.getLogger(__name__)

#: Questions a minute and channel, so that a carrier that lost a day's receipts is not asked for all of them at once.
MOST = 500

_one_at_a_time = threading.Lock()


class Late(NamedTuple):
    """A part of a message that has no receipt yet, and the source it was sent from (empty: the channel's own)."""

    reference: str
    sender: str


# A message is asked for when it is N minutes old, and 2 N, 4 N, 8 N…: each run looks at the minute that has just come of
# each of those ages, so nothing has to be remembered and no run looks at many rows.
_LATE = """
WITH age AS (
    SELECT date_trunc('minute', now()) - make_interval(mins => minutes) AS until FROM unnest(%(ages)s::int[]) minutes
),
waiting AS (
    SELECT a.message_id, a.carrier_reference, m.sender FROM age
    JOIN engine_attempt a ON a.started_at >= age.until - interval '1 minute' AND a.started_at < age.until
    JOIN engine_message m ON m.id = a.message_id AND m.status = 40
    WHERE a.channel_id = %(channel)s AND a.outcome = 1 AND a.carrier_reference <> ''
    LIMIT %(most)s
),
part AS (
    SELECT carrier_reference AS reference, sender FROM waiting
    UNION SELECT c.reference, w.sender FROM waiting w
    JOIN engine_carrierreference c ON c.message_id = w.message_id AND c.channel_id = %(channel)s
)
SELECT part.reference, part.sender FROM part WHERE NOT EXISTS (
    SELECT FROM engine_deliveryreceipt r WHERE r.channel_id = %(channel)s AND r.reference = part.reference
        AND r.state = ANY(%(final)s))
LIMIT %(most)s
"""


def begin_asking() -> bool:
    """Ask in a thread of its own, since a carrier may take its time and the worker has messages to hand over.

    False when there is nobody to ask, or the last round is not over.
    """
    if not any(channel.line.query_after_minutes for channel in open_channels()):
        return False
    if not _one_at_a_time.acquire(blocking=False):
        return False
    threading.Thread(target=_ask_and_let_go, name="receipt-asking", daemon=True).start()
    return True


def _ask_and_let_go() -> None:
    try:
        ask_carriers(open_channels())
    except Exception:  # whatever it was: the next minute asks for others, and these again when they are twice as old
        log.exception("carriers could not be asked")
    finally:
        connection.close()
        _one_at_a_time.release()


def ask_carriers(channels: Iterable[OpenChannel]) -> int:
    """Ask for what is late on those channels that can be asked, and store what is final; how many receipts that gave."""
    return sum(_ask(channel) for channel in channels if channel.line.query_after_minutes and channel.is_up)


def _ask(channel: OpenChannel) -> int:
    by_source: dict[str, list[str]] = defaultdict(list)
    for late in _late(channel):
        by_source[late.sender or channel.source_address].append(late.reference)
    answers = [
        answer
        for source, references in by_source.items()
        for answer in channel.line.query(references, source=source)
        if answer.state in FINAL_WORDS
    ]
    if answers:
        now = datetime.now(UTC)
        news = [RawDeliver("receipt", answer.reference.encode(), now) for answer in answers]
        store_news(channel_id=channel.id, channel=cast(Channel, Answers(answers)), news=news)
        log.info("a carrier was asked", extra={"channel_id": str(channel.id), "count": len(answers)})
    return len(answers)


def _late(channel: OpenChannel) -> list[Late]:
    minutes = channel.line.query_after_minutes or 0
    parameters: dict[str, Any] = {
        "channel": channel.id,
        "ages": ages(minutes, timedelta(hours=settings.MESSAGE_VALIDITY_HOURS)),
        "final": list(FINAL_WORDS),
        "most": MOST,
    }
    with tenancy.as_engine():
        return records(Late, _LATE, parameters)


def ages(minutes: int, validity: timedelta) -> list[int]:
    """How many minutes old a message is each time it is asked for."""
    found = []
    while minutes and timedelta(minutes=minutes) < validity:
        found.append(minutes)
        minutes *= 2
    return found


class Answers:
    """Reads answers as a channel reads receipts: they are kept under the names they were asked by."""

    def __init__(self, answers: Sequence[ParsedReceipt]) -> None:
        self._answers = {answer.reference.encode(): answer for answer in answers}

    def parse_receipt(self, raw: bytes) -> ParsedReceipt | None:
        return self._answers.get(raw)
