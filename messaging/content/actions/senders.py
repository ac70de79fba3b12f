"""Senders: making one, and asking for it to be approved."""

import re

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import Organisation, User

from ..errors import AlreadyInReview
from ..models import Review, ReviewStatus, SenderId
from ..texts import clean_line, clean_text, refuse
from .reviews import open_review

_ALPHANUMERIC = re.compile(r"[A-Za-z0-9 ]{1,11}")
_NUMERIC = re.compile(r"[0-9]{3,15}")
_BRACKETS = frozenset("【】[]")


@transaction.atomic
def create_sender(*, organisation: Organisation, kind: str, name: str, purpose: str = "", author: User) -> SenderId:
    """Note a sender of the organisation's, as a draft: it can be used once it has been approved.

    Raises Invalid naming `kind`, `name` or `purpose`; the same name of the same kind exists once an organisation.
    """
    if kind not in SenderId.Kind.values:
        raise refuse("kind", _("Choose signature, name or number."))
    name = clean_sender_name(kind, name)
    purpose = clean_text("purpose", purpose, longest=300)
    try:
        with transaction.atomic():
            sender = SenderId.objects.create(
                organisation=organisation, kind=kind, name=name, purpose=purpose, author=author
            )
    except IntegrityError:
        raise refuse("name", _("You already have this sender.")) from None
    audit.record(action="sender.created", target=sender, after={"kind": kind, "name": name}, organisation=organisation)
    return sender


def clean_sender_name(kind: str, name: str) -> str:
    """The name as carriers take it.  Raises Invalid saying what this kind allows."""
    name = clean_line("name", name, longest=20)
    if not name.isprintable():
        raise refuse("name", _("The name has an invisible character. Type it instead of pasting it."))
    if kind == SenderId.Kind.SIGNATURE:
        if _BRACKETS & set(name):
            raise refuse("name", _("Leave the brackets out: they are added for you."))
        if not 2 <= len(name) <= 12:
            raise refuse("name", _("A signature has 2 to 12 characters."))
        if not any(character.isalpha() for character in name):
            raise refuse("name", _("A signature has at least one letter."))
    elif kind == SenderId.Kind.ALPHANUMERIC:
        if not _ALPHANUMERIC.fullmatch(name):
            raise refuse("name", _("Use up to 11 letters A to Z, digits and spaces."))
        if not re.search("[A-Za-z]", name):
            raise refuse("name", _("A name has at least one letter. For digits only, choose number."))
    elif not _NUMERIC.fullmatch(name):
        raise refuse("name", _("A number has 3 to 15 digits, without + or spaces."))
    return name


@transaction.atomic
def edit_sender(*, sender: SenderId, purpose: str, by: User) -> SenderId:
    """Say again what a draft or rejected sender is used for.  Raises AlreadyInReview for any other."""
    purpose = clean_text("purpose", purpose, longest=300)
    sender = _lock(sender)
    if sender.status not in (ReviewStatus.DRAFT, ReviewStatus.REJECTED):
        raise AlreadyInReview()
    before, sender.purpose = sender.purpose, purpose
    sender.save(update_fields=["purpose"])
    audit.record(
        action="sender.edited",
        target=sender,
        before={"purpose": before},
        after={"purpose": purpose},
        organisation=sender.organisation,
    )
    return sender


@transaction.atomic
def submit_sender(*, sender: SenderId, by: User) -> Review:
    """Ask compliance to approve a draft sender, or a rejected one again.  Raises AlreadyInReview otherwise."""
    sender = _lock(sender)
    if sender.status not in (ReviewStatus.DRAFT, ReviewStatus.REJECTED):
        raise AlreadyInReview()
    before, sender.status = sender.status, ReviewStatus.SUBMITTED
    sender.save(update_fields=["status"])
    audit.record(
        action="sender.submitted",
        target=sender,
        before={"status": before},
        after={"status": sender.status},
        organisation=sender.organisation,
    )
    return open_review(sender=sender, by=by)


def _lock(sender: SenderId) -> SenderId:
    return SenderId.objects.select_for_update(of=("self",)).select_related("organisation").get(pk=sender.pk)
