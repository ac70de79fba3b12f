from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from billing.ledger.actions import hold
from billing.packages.allowance import take
from billing.pricing.models import Quote
from billing.pricing.quotes import quotes_for
from kit.events import emit
from kit.ids import uuid7, uuid7s
from messaging.channels.queries import routes_for
from messaging.content.rules.variables import ValueRefused
from messaging.content.screening import current_screen
from messaging.engine.errors import MessagesRefused, OrganisationStopped
from messaging.engine.events import messages_accepted
from messaging.engine.models import Message
from messaging.engine.states import Status
from messaging.recipients.queries import opted_out

from .drafts import Accepted, AcceptedMessage, Draft, Refusal
from .screening import forbidden_word
from .storage import store

_SENSITIVE = _("The text contains “%(word)s”, which compliance does not allow.")


class Prepared(NamedTuple):
    """A draft with its text made: what will be stored."""

    draft: Draft
    text: str
    is_unicode: bool
    segments: int


class Origin(NamedTuple):
    """What all messages of one call have in common."""

    organisation: Organisation
    campaign_id: UUID | None
    api_key_id: UUID | None
    is_test: bool


def accept_messages(
    *,
    organisation: Organisation,
    drafts: Sequence[Draft],
    campaign_id: UUID | None = None,
    api_key_id: UUID | None = None,
    is_test: bool = False,
    leave_out_unusable: bool = False,
) -> Accepted:
    """Take a batch of messages: rendered, screened, priced, paid for, stored and queued, as a part of the caller's transaction.

    When that commits, all of it is on disk.  A draft that can't be sent refuses the whole call
    (MessagesRefused names each), or with `leave_out_unusable` only itself.  Who opted out of promotion is stored
    as blocked and costs nothing.  Raises InsufficientBalance, NoPrice, NoRoute or OrganisationStopped; the caller then
    rolls back what was done so far, to a savepoint where there is more in its transaction.  Runs in the organisation's scope.
    """
    if organisation.is_stopped:
        raise OrganisationStopped
    prepared, refusals = _prepare(drafts)
    if refusals and not leave_out_unusable:
        raise _refused(refusals)
    origin = Origin(organisation, campaign_id, api_key_id, is_test)
    accepted = _pay_and_store(origin, prepared) if prepared else []
    return Accepted(accepted, refusals, organisation.currency)


def _prepare(drafts: Sequence[Draft]) -> tuple[list[Prepared], list[Refusal]]:
    screen = current_screen()
    prepared, refusals = [], []
    for draft in drafts:
        try:
            made = draft.version.render(draft.values, draft.sender)
        except ValueRefused as error:
            refusals += [Refusal(draft.row, one.variable, one.code, one.message) for one in error.problems]
            continue
        if word := forbidden_word(screen, made.text, approved=draft.version.body):
            refusals.append(Refusal(draft.row, "text", "sensitive_word", _SENSITIVE % {"word": word}))
            continue
        prepared.append(Prepared(draft, *made))
    return prepared, refusals


def _pay_and_store(origin: Origin, prepared: list[Prepared]) -> list[AcceptedMessage]:
    destinations = {(one.draft.country, one.draft.version.category) for one in prepared}
    routes = routes_for(destinations, is_test=origin.is_test)
    quotes = {} if origin.is_test else quotes_for(origin.organisation, destinations)
    blocked = _opted_out(origin.organisation, prepared)
    batch = uuid7()
    allowances = _take_allowances(origin, prepared, blocked, batch)
    messages = [
        _accepted(one, id, quotes.get((one.draft.country, one.draft.version.category)), index in allowances, blocked)
        for index, (one, id) in enumerate(zip(prepared, uuid7s(len(prepared)), strict=True))
    ]
    channels = store(origin, prepared, messages, quotes=quotes, allowances=allowances, routes=routes)
    hold(  # last: the wallet is everybody's, and stays locked for no longer than the commit takes
        organisation=origin.organisation,
        currency=origin.organisation.currency,
        amount=sum(message.price for message in messages),
        reference=f"accept:{batch}",
        subject=f"campaign:{origin.campaign_id}" if origin.campaign_id else "api",
    )
    emit(
        messages_accepted,
        sender=Message,
        channel_ids=channels,
        message_ids=[message.id for message in messages],
        organisation_id=origin.organisation.pk,
    )
    return messages


def _accepted(one: Prepared, id: UUID, quote: Quote | None, is_paid: bool, blocked: set[str]) -> AcceptedMessage:
    is_blocked = _is_blocked(one, blocked)
    price = quote.price * one.segments if quote and not is_paid and not is_blocked else 0
    status = Status.BLOCKED if is_blocked else Status.QUEUED
    reason = "opted_out" if is_blocked else ""
    return AcceptedMessage(id, one.draft.recipient, one.draft.row, one.segments, price, status, reason)


def _opted_out(organisation: Organisation, prepared: list[Prepared]) -> set[str]:
    promoted = {one.draft.recipient for one in prepared if one.draft.version.category == "promotion"}
    return opted_out(organisation, promoted) if promoted else set()


def _is_blocked(one: Prepared, blocked: set[str]) -> bool:
    return one.draft.version.category == "promotion" and one.draft.recipient in blocked


def _take_allowances(origin: Origin, prepared: list[Prepared], blocked: set[str], batch: UUID) -> dict[int, UUID]:
    """Which message is paid by which allowance, by index; the others are the wallet's."""
    if origin.is_test:
        return {}
    wanted = [
        (index, one.draft.country, one.draft.version.category, one.segments)
        for index, one in enumerate(prepared)
        if not _is_blocked(one, blocked)
    ]
    return take(organisation=origin.organisation, wanted=wanted, reference=f"accept:{batch}")


def _refused(refusals: list[Refusal]) -> MessagesRefused:
    return MessagesRefused(
        messages=[
            {"index": refusal.row, "field": refusal.field, "code": refusal.code, "message": str(refusal.message)}
            for refusal in refusals[:100]
        ]
    )
