"""The way of a message in the logs: a line for each station and batch, with the ids of its messages, never what they say or to
whom.  `grep <id>` over the logs of all processes tells what happened to one message, in order.

A line costs some ten microseconds and each id in it less than one.  Where that is too much, SIGNALBOX_LOG_MESSAGE_IDS=edges
leaves the first and last id and the count: the console's timeline knows the rest.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings

from messaging.channels.types.base import NotSent, Outcome, Refused, Sent, Unknown

log = logging.getLogger("signalbox.journal")

#: More organisations than this in one line are counted only.
NAMED = 5
OUTCOMES = {Sent: "sent", Refused: "refused", NotSent: "not_sent", Unknown: "unknown"}


def note(station: str, message_ids: Sequence[UUID | str], **facts: Any) -> None:
    """One line: these messages have passed a station.  None for no messages."""
    if message_ids and log.isEnabledFor(logging.INFO):
        log.info(station, extra={"facts": {"count": len(message_ids), **_ids(message_ids), **facts}})


def note_requests(request_ids: Sequence[str], *, key: UUID) -> None:
    """One line for requests that are answered together, with the ids their callers gave them."""
    given = " ".join(filter(None, request_ids))
    log.info("requests_together", extra={"facts": {"count": len(request_ids), "key": key, "request_ids": given}})


def organisations_of(ids: Iterable[UUID]) -> dict[str, Any]:
    """Whose messages a batch holds, as facts of its line."""
    whose = set(ids)
    if len(whose) > NAMED:
        return {"organisation_count": len(whose)}
    return {"organisation": " ".join(sorted(map(str, whose)))}


def note_claimed(batch: Sequence[Any], *, channel_id: UUID) -> None:
    """A worker has these in hand; they leave next."""
    if batch:
        whose = organisations_of(one.organisation_id for one in batch)
        note("claimed", [one.message_id for one in batch], channel=channel_id, **whose)


def note_outcomes(claimed: Mapping[UUID, Any], outcomes: Iterable[Outcome], *, channel_id: UUID) -> None:
    """What came of a batch that was handed over: a line for each kind of outcome."""
    kinds: dict[str, list[Any]] = defaultdict(list)
    for outcome in outcomes:
        kinds[OUTCOMES[type(outcome)]].append(claimed[outcome.attempt_id])
    for kind, messages in kinds.items():
        whose = organisations_of(one.organisation_id for one in messages)
        note("handed_over", [one.message_id for one in messages], outcome=kind, channel=channel_id, **whose)


def note_receipts(receipts: Iterable[Any]) -> None:
    """Receipts of messages we know: a line for each of the carrier's words."""
    words: dict[str, list[UUID]] = defaultdict(list)
    for receipt in receipts:
        words[receipt.state].append(receipt.message_id)
    for word, ids in words.items():
        note("receipt", ids, state=word)


def _ids(message_ids: Sequence[UUID | str]) -> dict[str, str]:
    if settings.LOG_MESSAGE_IDS == "edges":
        return {"first": str(message_ids[0]), "last": str(message_ids[-1])}
    return {"messages": " ".join(map(str, message_ids))}
