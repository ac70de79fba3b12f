"""POST /api/v1/messages: the hot path.  A plain function: the framework around it would cost three times the work."""

from typing import Any, NamedTuple

import msgspec
from django.http import HttpRequest, HttpResponse

from accounts.api import AuthenticatedKey, authenticate_request
from accounts.models import Organisation
from kit import limits
from messaging.content.choosing import sender_named, version_and_sender_named
from messaging.content.compiled import CompiledVersion, compiled
from messaging.content.free_text import free_text_allowed
from messaging.content.models import SenderId
from messaging.engine.accept import Draft, accept_messages
from messaging.engine.errors import MessagesRefused
from messaging.recipients.rules.numbers import REASONS, Number, Unusable, parse_number

from .bodies import accepted_body
from .idempotency import answer_once
from .requests import Recipient, SendRequest, read_request

encode = msgspec.json.Encoder().encode

#: Set by the house's own front in the request's surroundings: the request was counted there, or it failed there with
#: this exception.  No caller can set them: what a caller says is a header, and headers have names of their own.
COUNTED, FAILED = "signalbox.counted", "signalbox.failed"


def send(request: HttpRequest) -> HttpResponse:
    """Accept 1 to 1,000 messages; 202 with their ids means that all of them are on disk and will be sent.

    Raises DomainErrors: 401/403 for the key, 429 for too many at once, 422 naming each field or message that can't be
    used, 402 when the balance does not reach.  Nothing has been stored then.
    """
    if FAILED in request.META:
        raise request.META[FAILED]
    caller = authenticate_request(request, counts=False)
    caller.require("messages:send")
    body = request.body
    wanted = read_request(body) if COUNTED in request.META else _read_and_count(caller, body)
    status, answer = answer_once(
        organisation=caller.organisation,
        key=request.headers.get("Idempotency-Key", ""),
        request=body,
        is_test=not caller.key.is_live,
        act=lambda: (202, _accept(caller, wanted)),
    )
    return HttpResponse(encode(answer), status=status, content_type="application/json")


def _read_and_count(caller: AuthenticatedKey, body: bytes) -> SendRequest:
    """The request, counted with all its messages in one round trip; one that can't be read counts too."""
    wanted, messages = None, 0
    try:
        wanted = read_request(body)
        messages = len(wanted.recipients)
    finally:
        limits.count(caller.key.pk, messages=messages)
    return wanted


def _accept(caller: AuthenticatedKey, wanted: SendRequest) -> dict[str, Any]:
    organisation, recipients = caller.organisation, wanted.recipients
    wording = wording_of(organisation, wanted)
    drafts = _drafts(organisation, recipients, wording, is_many=wanted.messages is not None)
    accepted = accept_messages(
        organisation=organisation, drafts=drafts, api_key_id=caller.key.pk, is_test=not caller.key.is_live
    )
    return accepted_body(accepted, [one.reference for one in recipients], [one.to for one in recipients])


class Wording(NamedTuple):
    """What a request says, and as whom."""

    version: CompiledVersion
    sender: SenderId
    #: With free text, the values it turned out to carry.
    fixed_values: dict[str, str] | None

    def draft(self, number: Number, recipient: Recipient, *, row: int) -> Draft:
        values = recipient.variables if self.fixed_values is None else self.fixed_values
        return Draft(number.e164, number.country, self.version, self.sender, values, recipient.reference, row=row)


def _drafts(organisation: Organisation, recipients: list[Recipient], wording: Wording, *, is_many: bool) -> list[Draft]:
    drafts, problems = [], []
    for index, recipient in enumerate(recipients):
        number = parse_number(recipient.to, default_region=organisation.country)
        if isinstance(number, Unusable):
            problems.append(_problem(index, recipient, number.reason, is_many=is_many))
        else:
            drafts.append(wording.draft(number, recipient, row=index))
    if problems:
        raise MessagesRefused(messages=problems[:100])
    return drafts


def _problem(index: int, recipient: Recipient, reason: str, *, is_many: bool) -> dict[str, Any]:
    field = f"messages[{index}].to" if is_many else "to"
    return {"index": index, "field": field, "code": reason, "message": REASONS[reason], "typed": recipient.to}


def wording_of(organisation: Organisation, wanted: SendRequest) -> Wording:
    """The approved version and sender a request names.  Only reads.  Raises NotFound, Invalid or NotApproved."""
    if wanted.text is not None:
        sender = sender_named(organisation, wanted.sender)
        found = free_text_allowed(organisation, wanted.text, sender)
        return Wording(compiled(found.version), sender, dict(found.values))
    version, sender = version_and_sender_named(organisation, wanted.template, wanted.sender)
    return Wording(compiled(version), sender, None)
