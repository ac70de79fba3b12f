"""Single messages that one caller asks for at one moment, accepted in one transaction.

Only what goes well is answered here.  A request that has to be refused, or whose key was used before, is asked again
alone, by the way all other requests go: nothing of it was stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, NamedTuple

from django.utils import timezone, translation
from structlog.contextvars import bound_contextvars

from accounts import audit
from accounts.api import AuthenticatedKey, authenticate_key
from accounts.models import Organisation
from kit import limits, tenancy
from kit.errors import DomainError
from kit.ids import uuid7
from messaging.engine.accept import Accepted, AcceptedMessage, Draft, accept_messages
from messaging.engine.journal import note_requests
from messaging.recipients.rules.numbers import Unusable, parse_number

from .bodies import accepted_body
from .idempotency import claim, fingerprint_of, give_up, is_usable, keep
from .requests import SendRequest
from .sending import Wording, encode, wording_of

STATUS = 202
#: For so long a group looks for the wordings of its texts, which may take long to compare; what is left is asked alone.
WORDING_SECONDS = 0.05
LANGUAGE = "en"


class Caller(NamedTuple):
    """Who asks, as far as the request says it: the key's secret, and the address it came from."""

    secret: str
    address: str | None


@dataclass(slots=True)
class Single:
    """A request for one message: `body` is what was read as `wanted`."""

    wanted: SendRequest
    body: bytes
    key: str = ""
    request_id: str = ""
    #: Whether the caller's limits know of it.
    is_counted: bool = False


def accept_together(caller: Caller, singles: Sequence[Single]) -> list[bytes | None]:
    """The answer to each (its 202's JSON) when all its messages are on disk; None for one that has to be asked alone.

    Runs outside of any request.  Raises what the database raises when it is away.
    """
    try:
        return _accept_all(caller, singles)
    except DomainError:  # a refusal for each to get in its own words
        return [None] * len(singles)


def _accept_all(caller: Caller, singles: Sequence[Single]) -> list[bytes | None]:
    mark = str(uuid7())
    actor = audit.Actor(None, "visitor", caller.address, mark)
    with (
        bound_contextvars(request_id=mark),
        audit.acting(actor),
        translation.override(LANGUAGE),
        timezone.override(None),
        tenancy.undecided(),
    ):
        found = authenticate_key(caller.secret, caller.address)
        found.require("messages:send")
        audit.act(audit.machine(found.key, address=caller.address, request_id=mark))
        limits.count(found.key.pk, requests=len(singles), messages=len(singles))
        for single in singles:
            single.is_counted = True
        note_requests([one.request_id for one in singles], key=found.key.pk)
        bodies = _accept(found, singles)
    return [encode(bodies[row]) if row in bodies else None for row in range(len(singles))]


def _accept(found: AuthenticatedKey, singles: Sequence[Single]) -> dict[int, dict[str, Any]]:
    """The answer's body for each that could be accepted, by its place."""
    organisation, is_test = found.organisation, not found.key.is_live
    drafts = _drafts(organisation, singles)
    with_key = {row: singles[row] for row in drafts if singles[row].key}
    claimed = _claim(organisation, with_key, is_test=is_test)
    accepted = accept_messages(
        organisation=organisation,
        drafts=[draft for row, draft in drafts.items() if row not in with_key or row in claimed],
        api_key_id=found.key.pk,
        is_test=is_test,
        leave_out_unusable=True,
    )
    bodies = {message.row: _body(singles[message.row], message, accepted.currency) for message in accepted.messages}
    _settle_keys(organisation, {row: singles[row].key for row in claimed}, bodies)
    return bodies


def _drafts(organisation: Organisation, singles: Sequence[Single]) -> dict[int, Draft]:
    """Those that say something we know how to send, by their place."""
    wordings: dict[tuple[str | None, ...], Wording | None] = {}
    drafts = {}
    until = monotonic() + WORDING_SECONDS
    for row, single in enumerate(singles):
        wanted, (recipient,) = single.wanted, single.wanted.recipients
        said = (wanted.template, wanted.text, wanted.sender)
        if said not in wordings:
            wordings[said] = _wording(organisation, wanted) if monotonic() < until else None
        number = parse_number(recipient.to, default_region=organisation.country)
        if (wording := wordings[said]) and not isinstance(number, Unusable):
            drafts[row] = wording.draft(number, recipient, row=row)
    return drafts


def _wording(organisation: Organisation, wanted: SendRequest) -> Wording | None:
    try:
        return wording_of(organisation, wanted)
    except DomainError:  # its way alone says which, in its own words; looking has changed nothing
        return None


def _claim(organisation: Organisation, with_key: Mapping[int, Single], *, is_test: bool) -> set[int]:
    """Whose keys are theirs now, by place.  Of two requests under one key the first goes on."""
    rows: dict[str, int] = {}
    for row, single in with_key.items():
        if is_usable(single.key):
            rows.setdefault(single.key, row)
    if not rows:
        return set()
    fingerprints = {key: fingerprint_of(with_key[row].body, is_test=is_test) for key, row in rows.items()}
    return {rows[key] for key in claim(organisation, fingerprints)}


def _settle_keys(organisation: Organisation, keys: Mapping[int, str], bodies: Mapping[int, dict[str, Any]]) -> None:
    """Each claimed key gets its answer; one whose request could not be accepted is free again."""
    if answers := {key: bodies[row] for row, key in keys.items() if row in bodies}:
        keep(organisation, answers, status=STATUS)
    if left := [key for row, key in keys.items() if row not in bodies]:
        give_up(organisation, left)


def _body(single: Single, message: AcceptedMessage, currency: str) -> dict[str, Any]:
    (recipient,) = single.wanted.recipients
    one = Accepted([message], [], currency)
    return accepted_body(one, {message.row: recipient.reference}, {message.row: recipient.to})
