"""Templates: written, submitted once, fixed from then on; only approved versions can be sent."""

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.tests.factories import make_customer, make_operator
from kit.errors import Invalid, NotFound
from messaging.content.actions import archive_template, create_template, edit_draft, new_version, submit_version
from messaging.content.errors import DraftExists, EditedElsewhere, NotADraft, NotApproved
from messaging.content.models import MessageTemplate, ReviewStatus, TemplateVersion
from messaging.content.queries import approved_versions_of, sendable, templates_of
from messaging.content.tests.factories import (
    approved,
    approved_sender,
    approved_version,
    draft_sender,
    draft_version,
    make_author,
    rejected_version,
    submitted_version,
)
from messaging.content.wording import fingerprint_of

pytestmark = pytest.mark.django_db


def test_a_new_template_is_a_draft_nobody_can_send():
    customer = make_customer()
    sender = approved_sender(customer)

    version = draft_version(customer, body="  Hi {name}\r\nBye ")

    assert (version.number, version.status, version.body) == (1, ReviewStatus.DRAFT, "Hi {name}\nBye")
    assert version.variables == [{"name": "name", "type": "text", "example": "Amelia", "max_length": 20}]
    with pytest.raises(NotApproved):
        sendable(customer, version.pk, sender.pk)
    assert AuditEntry.objects.filter(action="template.created", target_id=str(version.template_id)).exists()


@pytest.mark.parametrize("status", ["draft", "submitted", "rejected", "archived"])
def test_only_approved_wording_can_be_sent(status):
    customer = make_customer()
    sender = approved_sender(customer)
    make = {
        "draft": lambda: draft_version(customer),
        "submitted": lambda: submitted_version(customer).version,
        "rejected": lambda: rejected_version(customer),
        "archived": lambda: approved_version(customer),
    }
    version = make[status]()
    if status == "archived":
        archive_template(template=version.template, by=version.author)

    with pytest.raises(NotApproved) as refusal:
        sendable(customer, version.pk, sender.pk)

    assert refusal.value.details == {"what": "template", "status": status}


def test_only_approved_senders_can_be_used():
    customer = make_customer()
    version, sender = approved_version(customer), approved_sender(customer)
    draft = draft_sender(customer, name="Heron")

    assert sendable(customer, version.pk, sender.pk) == (version, sender)
    with pytest.raises(NotApproved) as refusal:
        sendable(customer, version.pk, draft.pk)
    assert refusal.value.details["what"] == "sender"
    with pytest.raises(NotApproved) as refusal:
        sendable(customer, version.template_id, draft.pk)
    assert refusal.value.details["what"] == "sender"


def test_wording_and_sender_that_both_cannot_be_sent_are_both_named():
    customer = make_customer()
    version, sender = draft_version(customer), draft_sender(customer, name="Heron")

    with pytest.raises(NotApproved) as refusal:
        sendable(customer, version.pk, sender.pk)

    fields = refusal.value.details["fields"]
    assert list(fields) == ["template", "sender"]
    assert version.template.name in fields["template"] and "Heron" in fields["sender"]
    assert str(refusal.value) == f"{fields['template']} {fields['sender']}"


def test_another_tenants_template_and_sender_are_not_found():
    customer, stranger = make_customer(), make_customer()
    mine = approved_version(customer), approved_sender(customer)
    theirs = approved_version(stranger), approved_sender(stranger)

    for version, sender in [(mine[0], theirs[1]), (theirs[0], mine[1])]:
        with pytest.raises(NotFound):
            sendable(customer, version.pk, sender.pk)


def test_submitted_wording_never_changes():
    review = submitted_version(make_customer())
    version = review.version

    with pytest.raises(NotADraft):
        edit_draft(version=version, body="Something else", by=version.author)

    version.refresh_from_db()
    assert version.body == "Hi {name}, your parcel is here."


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE content_templateversion SET body = 'x' WHERE id = %s",
        "UPDATE content_templateversion SET variables = '[]' WHERE id = %s",
        "UPDATE content_templateversion SET status = 'rejected' WHERE id = %s",
        "DELETE FROM content_templateversion WHERE id = %s",
        "UPDATE content_messagetemplate SET category = 'verification' WHERE id = "
        "(SELECT template_id FROM content_templateversion WHERE id = %s)",
    ],
)
def test_the_database_itself_keeps_approved_wording(change):
    version = approved_version(make_customer())

    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute(change, [version.pk])


def test_a_new_version_starts_from_the_latest_and_the_old_one_stays_sendable():
    customer = make_customer()
    first, sender = approved_version(customer), approved_sender(customer)

    second = new_version(template=first.template, author=make_author(customer))

    assert (second.number, second.body, second.status) == (2, first.body, ReviewStatus.DRAFT)
    assert sendable(customer, first.pk, sender.pk)[0] == first
    with pytest.raises(DraftExists) as refusal:
        new_version(template=first.template, author=first.author)
    assert refusal.value.details == {"version_id": str(second.pk)}


def test_the_latest_approved_version_is_the_one_offered():
    customer = make_customer()
    first = approved_version(customer, name="Parcel")
    second = new_version(template=first.template, author=first.author)
    approved_version(make_customer())

    assert list(approved_versions_of(customer)) == [first]
    approved(submit_version(version=second, by=first.author))
    assert list(approved_versions_of(customer)) == [second]


def test_two_editors_of_one_draft_do_not_overwrite_each_other():
    version = draft_version(make_customer())
    seen = fingerprint_of(version)
    edit_draft(version=version, body="First", seen=seen, by=version.author)

    with pytest.raises(EditedElsewhere):
        edit_draft(version=version, body="Second", seen=seen, by=version.author)

    version.refresh_from_db()
    assert version.body == "First"


def test_the_type_is_fixed_once_something_was_submitted():
    customer = make_customer()
    first = approved_version(customer, category="notice")
    draft = new_version(template=first.template, author=first.author)

    with pytest.raises(Invalid) as refusal:
        edit_draft(version=draft, body=draft.body, variables=draft.variables, category="verification", by=draft.author)

    assert list(refusal.value.details["fields"]) == ["category"]


@pytest.mark.parametrize(
    ("_case", "change", "field"),
    [
        ("no name", {"name": "  "}, "name"),
        ("a NUL in the name", {"name": "a\x00b"}, "name"),
        ("half a character in the name", {"name": "a\ud83d"}, "name"),
        ("a long name", {"name": "n" * 81}, "name"),
        ("an unknown type", {"category": "spam"}, "category"),
        ("no text", {"body": " \n"}, "body"),
        ("a NUL in the text", {"body": "a\x00b"}, "body"),
        ("half a character in the text", {"body": "a\udc00"}, "body"),
        ("an escape in the text", {"body": "a\x1bb"}, "body"),
        ("a direction override", {"body": "a\u202eb"}, "body"),
        ("not text at all", {"body": 12}, "body"),
        ("a lone brace", {"body": "Hi {name"}, "body"),
        ("a placeholder that is no name", {"body": "Hi {first name}"}, "body"),
        ("a very long text", {"body": "x" * 2001}, "body"),
        ("too many segments", {"body": "字" * 700}, "body"),
        ("10,000 variables", {"body": "".join(f"{{v{n}}}" for n in range(10_000))}, "body"),
        ("too many variables", {"body": "".join(f"{{v{n}}}" for n in range(60))}, "body"),
        ("10,000 descriptions", {"variables": [{"name": f"v{n}"} for n in range(10_000)]}, "variables"),
        ("a variable nobody described", {"body": "Hi {name}"}, "variables"),
        ("a description of nothing", {"variables": [{"name": "name", "example": "A"}]}, "variables"),
        ("descriptions of another shape", {"variables": ["name"]}, "variables"),
        ("a NUL in an example", {"body": "{n}", "variables": [{"name": "n", "example": "\x00"}]}, "variables"),
        ("an example of another type", {"body": "{n}", "variables": [{"name": "n", "type": "date", "example": "?"}]},
         "variables"),
        ("a longest length of nothing", {"body": "{n}", "variables": [{"name": "n", "example": "a", "max_length": 0}]},
         "variables"),
    ],
)  # fmt: skip
def test_unusable_input_is_refused_by_name_and_leaves_nothing(_case, change, field):
    customer = make_customer()
    usable = {"name": "Parcel", "category": "notice", "body": "Hello", "variables": []}

    with pytest.raises(Invalid) as refusal:
        create_template(organisation=customer, author=make_author(customer), **(usable | change))

    assert list(refusal.value.details["fields"]) == [field]
    assert not MessageTemplate.objects.filter(organisation=customer).exists()


def test_a_name_is_used_once_an_organisation():
    customer = make_customer()
    draft_version(customer, name="Parcel")

    with pytest.raises(Invalid) as refusal:
        draft_version(customer, name=" parcel".title())

    assert list(refusal.value.details["fields"]) == ["name"]
    assert draft_version(make_customer(), name="Parcel").number == 1


def test_lists_cost_the_same_however_long_they_are(django_assert_num_queries):
    customer = make_customer()
    for _ in range(3):
        approved_version(customer)
        rejected_version(customer)

    with customer.scope(), django_assert_num_queries(3):
        for template in templates_of(customer):
            assert template.campaign_count == 0
            assert template.latest.rejection is None or template.latest.rejection.explained


def test_an_archived_template_leaves_the_list_and_keeps_its_history():
    customer = make_customer()
    version = approved_version(customer)

    archive_template(template=version.template, by=version.author)
    archive_template(template=version.template, by=version.author)

    assert list(templates_of(customer)) == []
    assert TemplateVersion.objects.filter(pk=version.pk, template__archived_at__lte=timezone.now()).exists()
    assert AuditEntry.objects.filter(action="template.archived").count() == 1


def test_a_tenant_cannot_reach_another_tenants_rows_even_without_asking_for_its_own():
    mine, _ = approved_version(make_customer()), approved_version(make_customer())

    with mine.organisation.scope():
        assert list(TemplateVersion.objects.all()) == [mine]
    with make_operator().downline_scope():
        assert TemplateVersion.objects.count() == 2
