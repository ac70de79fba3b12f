"""Carrying events to their endpoints: many calls at once, no transaction open while any of them is under way."""

import logging
import time
from collections import Counter, defaultdict
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone

from kit import tenancy
from kit.outbound import AddressRefused, NoAnswer, outbound
from kit.sealing import unseal
from messaging.engine.journal import note
from messaging.hooks.bodies import bodies_of, signed_headers
from messaging.hooks.claims import Claimed, Outcome, claim, is_anything_ripe, record

log = logging.getLogger(__name__)

CALLS_AT_ONCE = 32
#: After this long no new call is begun: other tasks of the queue get their turn.
ROUND_SECONDS = 8.0
LOOK_AGAIN_SECONDS = 0.2


class Call(NamedTuple):
    """One event, ready to be said."""

    claimed: Claimed
    body: bytes | None
    secrets: tuple[str, ...]


def deliver_ripe() -> bool:
    """Make the calls that are ripe, for some seconds.  True when there is more to do."""
    ends = time.monotonic() + ROUND_SECONDS
    under_way: dict[Future[Outcome], Claimed] = {}
    with ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="courier") as threads:
        while True:
            for call in _begin(under_way) if time.monotonic() < ends else ():
                under_way[threads.submit(make, call)] = call.claimed
            if not under_way:
                break
            done, _rest = wait(under_way, timeout=LOOK_AGAIN_SECONDS, return_when=FIRST_COMPLETED)
            if done:
                _note([_outcome(future, under_way.pop(future)) for future in done])
    with tenancy.as_engine():
        return is_anything_ripe()


def make(call: Call) -> Outcome:
    """Say it, and what came of it.  Touches no database."""
    claimed = call.claimed
    if call.body is None:
        return Outcome(claimed, None, "The message is no longer kept")
    if not call.secrets:
        return Outcome(claimed, None, "The signing secret can't be read: make a new one")
    headers = signed_headers(id=str(claimed.id), at=timezone.now(), body=call.body, signing_secrets=call.secrets)
    try:
        reply = outbound().post(claimed.url, content=call.body, headers=headers)
    except AddressRefused as refusal:
        return Outcome(claimed, None, str(refusal))
    except NoAnswer as error:
        return Outcome(claimed, None, str(error))
    return Outcome(claimed, reply.status, "" if reply.is_success else f"Answered {reply.status}")


def _outcome(future: Future[Outcome], claimed: Claimed) -> Outcome:
    """What came of a call, also when our own code failed on it: one event must not take the others down."""
    if error := future.exception():
        log.error("a call broke", exc_info=error, extra={"delivery": str(claimed.id)})
        return Outcome(claimed, None, "The call failed on our side")
    return future.result()


def _begin(under_way: dict[Future, Claimed]) -> list[Call]:
    free = CALLS_AT_ONCE - len(under_way)
    if not free:
        return []
    busy = Counter(claimed.endpoint_id for claimed in under_way.values())
    with tenancy.as_engine():
        claims = claim(limit=free, busy=busy)
        bodies = bodies_of({one.message_id: one.event for one in claims}) if claims else {}
    return [Call(one, bodies.get(one.message_id), _secrets(one)) for one in claims]


def _secrets(claimed: Claimed) -> tuple[str, ...]:
    sealed = (claimed.sealed_secret, claimed.sealed_previous_secret)
    try:
        return tuple(unseal(one) for one in sealed if one)
    except ValueError:  # sealed with a key this installation has lost: one tenant's trouble, not everybody's
        log.error("a webhook's secret can't be opened", extra={"endpoint": str(claimed.endpoint_id)})
        return ()


def _note(outcomes: list[Outcome]) -> None:
    with tenancy.as_engine():
        record(outcomes)
    for endpoint_id, of_endpoint in _by_endpoint(outcomes).items():
        told = [one.claimed.message_id for one in of_endpoint if not one.error]
        failed = [one.claimed.message_id for one in of_endpoint if one.error]
        note("webhook_told", told, endpoint=endpoint_id)
        note("webhook_failed", failed, endpoint=endpoint_id)


def _by_endpoint(outcomes: list[Outcome]) -> dict[UUID, list[Outcome]]:
    found: dict[UUID, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        found[outcome.claimed.endpoint_id].append(outcome)
    return found
