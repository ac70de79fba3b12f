"""Senders: what a name may be, and how it gets approved."""

import pytest
from django.db import DatabaseError

from accounts.tests.factories import make_customer
from kit.errors import Invalid
from messaging.content.actions import create_sender, edit_sender, reject, submit_sender
from messaging.content.errors import AlreadyInReview
from messaging.content.models import ReviewStatus, SenderId
from messaging.content.tests.factories import (
    approved,
    approved_sender,
    draft_sender,
    make_author,
    make_reviewer,
    submitted_sender,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("kind", "name", "kept"),
    [
        ("signature", "Kestrel", "Kestrel"),
        ("signature", " 红隼 ", "红隼"),
        ("signature", "Twelve Chars", "Twelve Chars"),
        ("alphanumeric", "Kestrel  24", "Kestrel 24"),
        ("numeric", "447700900123", "447700900123"),
        ("numeric", "123", "123"),
    ],
)
def test_names_carriers_take_are_kept(kind, name, kept):
    assert draft_sender(make_customer(), kind=kind, name=name).name == kept


@pytest.mark.parametrize(
    ("_case", "kind", "name"),
    [
        ("one character", "signature", "K"),
        ("thirteen characters", "signature", "K" * 13),
        ("brackets", "signature", "【Kestrel】"),
        ("no letter", "signature", "12345"),
        ("an invisible character", "signature", "Kes\u200btrel"),
        ("a direction override", "signature", "Kes\u202etrel"),
        ("twelve characters", "alphanumeric", "K" * 12),
        ("digits only", "alphanumeric", "12345"),
        ("an accent", "alphanumeric", "Café"),
        ("a Cyrillic letter", "alphanumeric", "Kеstrel"),
        ("two digits", "numeric", "12"),
        ("sixteen digits", "numeric", "1" * 16),
        ("a plus", "numeric", "+44770090"),
        ("full-width digits", "numeric", "１２３４"),
        ("nothing", "signature", "  "),
        ("a NUL", "signature", "Kes\x00"),
        ("half a character", "signature", "Kes\ud800"),
    ],
)
def test_names_carriers_refuse_are_refused_here(_case, kind, name):
    customer = make_customer()

    with pytest.raises(Invalid) as refusal:
        draft_sender(customer, kind=kind, name=name)

    assert list(refusal.value.details["fields"]) == ["name"]
    assert not SenderId.objects.filter(organisation=customer).exists()


@pytest.mark.parametrize(("field", "change"), [("kind", {"kind": "carrier pigeon"}), ("purpose", {"purpose": "\x00"})])
def test_other_fields_are_refused_by_name(field, change):
    customer = make_customer()
    usable = {"kind": "signature", "name": "Kestrel", "purpose": ""}

    with pytest.raises(Invalid) as refusal:
        create_sender(organisation=customer, author=make_author(customer), **(usable | change))

    assert list(refusal.value.details["fields"]) == [field]


def test_a_sender_exists_once_an_organisation():
    customer = make_customer()
    draft_sender(customer)

    with pytest.raises(Invalid):
        draft_sender(customer)
    assert draft_sender(make_customer()).name == "Kestrel"


def test_a_rejected_sender_can_be_explained_and_submitted_again():
    review = submitted_sender(make_customer())
    sender = reject(review=review, by=make_reviewer(), reasons=["sender_mismatch"]).sender
    edit_sender(sender=sender, purpose="Our registered trade mark.", by=sender.author)

    again = submit_sender(sender=sender, by=sender.author)

    assert approved(again).sender.status == ReviewStatus.APPROVED


def test_a_submitted_sender_cannot_be_submitted_or_edited():
    sender = submitted_sender(make_customer()).sender

    with pytest.raises(AlreadyInReview):
        submit_sender(sender=sender, by=sender.author)
    with pytest.raises(AlreadyInReview):
        edit_sender(sender=sender, purpose="Else", by=sender.author)


def test_the_database_itself_keeps_an_approved_name():
    sender = approved_sender(make_customer())

    with pytest.raises(DatabaseError, match="never changes"):
        SenderId.objects.filter(pk=sender.pk).update(name="Other")
