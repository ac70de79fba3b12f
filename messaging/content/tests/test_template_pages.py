"""Templates and senders as their authors see them: lists, the editor, and whom they let in."""

import pytest
from django.test import Client

from accounts.rules.permissions import Role
from accounts.tests.factories import make_customer, signed_in
from messaging.content.actions import new_version
from messaging.content.models import MessageTemplate, Review, ReviewStatus, SenderId, TemplateVersion
from messaging.content.tests.factories import (
    approved_sender,
    approved_version,
    draft_version,
    rejected_version,
    submitted_sender,
)
from messaging.content.tests.pages import HOSTILE, page, typed, variable

pytestmark = pytest.mark.django_db


# --- templates


def test_an_empty_list_says_what_to_do_next():
    answer = signed_in(make_customer(), Role.SENDER).get(page("templates"))

    assert b"No template yet" in answer.content and page("template_new").encode() in answer.content


def test_the_list_shows_status_and_why_a_version_was_sent_back():
    customer = make_customer()
    approved_version(customer, name="Parcel")
    rejected_version(customer, name="Sale", reasons=["opt_out_missing"])

    content = signed_in(customer).get(page("templates")).content.decode()

    assert "Parcel" in content and "Approved" in content
    assert "Opt-out text missing" in content and "Reply STOP" in content


def test_the_list_names_the_version_that_is_sent_until_the_next_is_approved():
    customer = make_customer()
    version = approved_version(customer)
    with customer.scope():
        new_version(template=version.template, author=version.author)

    content = signed_in(customer).get(page("templates")).content.decode()

    assert '<span class="st wait">Draft</span>\n<div class="meta">v1 can be sent</div>' in content
    assert ">v1</td>" in content


def test_the_lists_keep_their_query_budget(django_assert_max_num_queries):
    customer = make_customer()
    client = signed_in(customer)
    for number in range(12):
        approved_version(customer)
        rejected_version(customer)
        submitted_sender(customer, name=f"Kestrel {number}")

    for name in ("templates", "senders"):
        client.get(page(name))
        with django_assert_max_num_queries(22):
            client.get(page(name))


def test_another_tenants_template_sender_and_review_are_not_found():
    stranger = make_customer()
    version, sender = approved_version(stranger), approved_sender(stranger)
    client = signed_in(make_customer())

    for address in (
        page("template", version.template_id),
        page("draft", draft_version(stranger).pk),
        page("sender", sender.pk),
    ):
        assert client.get(address).status_code == 404
        assert client.post(address, typed()).status_code in (404, 405)
    for name in ("template_archive", "template_new_version"):
        assert client.post(page(name, version.template_id)).status_code == 404
    assert client.get(page("reviews")).status_code == 404
    assert client.get(page("review", Review.objects.first().pk)).status_code == 404


def test_a_reader_sees_templates_but_cannot_write_them():
    customer = make_customer()
    version = approved_version(customer)
    client = signed_in(customer, Role.READ_ONLY)

    assert client.get(page("template", version.template_id)).status_code == 200
    assert client.get(page("template_new")).status_code == 403
    assert client.post(page("template_new_version", version.template_id)).status_code == 403
    assert client.post(page("sender", approved_sender(customer).pk), {"purpose": "x"}).status_code == 403


def test_strangers_are_sent_to_the_sign_in():
    assert Client().get(page("templates")).status_code == 302
    assert Client().get(page("reviews")).status_code == 302


def test_writing_and_submitting_a_template():
    customer = make_customer()
    client = signed_in(customer, Role.SENDER)

    saved = client.post(page("template_new"), typed(body="Hi {name}") | variable("name"))
    version = TemplateVersion.objects.get()
    assert saved.url == page("draft", version.pk)

    again = typed(body="Hello {name}", action="submit") | variable("name", example="Bo")
    submitted = client.post(page("draft", version.pk), again, follow=True)

    version.refresh_from_db()
    assert (version.status, version.body) == (ReviewStatus.SUBMITTED, "Hello {name}")
    assert "Submitted. A reviewer decides within 2 hours." in submitted.content.decode()
    assert client.get(page("draft", version.pk)).url == page("template", version.template_id)


def test_a_variable_without_an_example_is_named_beside_its_row():
    customer = make_customer()

    answer = signed_in(customer).post(page("template_new"), typed(body="Hi {first_name}"))

    assert answer.status_code == 422
    assert "“first_name” needs a type and an example." in answer.content.decode()
    assert 'name="var_name" value="first_name"' in answer.content.decode()
    assert not MessageTemplate.objects.exists()


def test_a_refused_submission_saves_nothing_half_done():
    customer = make_customer()
    version = draft_version(customer, body="Hello")

    answer = signed_in(customer).post(page("draft", version.pk), typed(body="Hi {", action="submit"))

    version.refresh_from_db()
    assert answer.status_code == 422 and "brace" in answer.content.decode()
    assert (version.status, version.body) == (ReviewStatus.DRAFT, "Hello")


def test_a_draft_saved_elsewhere_is_not_overwritten():
    customer = make_customer()
    version = draft_version(customer, body="Hello")
    client = signed_in(customer)
    seen = client.get(page("draft", version.pk)).context["form"]["seen"].value()
    client.post(page("draft", version.pk), typed(body="First", seen=seen))

    answer = client.post(page("draft", version.pk), typed(body="Second", seen=seen))

    version.refresh_from_db()
    assert answer.status_code == 422 and "Somebody else saved this draft" in answer.content.decode()
    assert version.body == "First"


def test_without_scripts_counting_and_replacing_are_buttons():
    client = signed_in(make_customer())
    body = "We’ve moved to {street}"

    counted = client.post(page("template_new"), typed(body=body, action="check")).content.decode()
    replaced = client.post(page("template_new"), typed(body=body, action="replace"))

    assert "’" in counted and "U+2019" in counted and 'value="street"' in counted
    assert replaced.context["form"]["body"].value() == "We've moved to {street}"
    assert not MessageTemplate.objects.exists()


# --- hostile input


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["name", "category", "body", "sender", "seen", "var_name", "var_type", "var_example",
                                   "var_max_length", "action"])  # fmt: skip
def test_hostile_text_in_any_field_of_the_editor_is_answered_and_shown_harmlessly(field, text):
    client = signed_in(make_customer())
    posted = typed(body="Hi {name}", action="submit") | variable("name")
    posted[field] = [text] if field.startswith("var_") else text

    for address in (page("template_new"), page("count")):
        answer = client.post(address, posted)

        assert answer.status_code in (200, 302, 422)
        assert b"<script>alert(1)" not in answer.content


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["kind", "name", "purpose"])
def test_hostile_text_in_any_field_of_a_sender_is_answered(field, text):
    client = signed_in(make_customer())
    posted = {"kind": "signature", "name": "Kestrel", "purpose": "Orders", "action": "submit"} | {field: text}

    answer = client.post(page("sender_new"), posted)

    assert answer.status_code in (302, 422)
    if answer.status_code == 302:
        assert b"<script>alert(1)" not in client.get(answer.url).content


@pytest.mark.parametrize("query", ["q=%00", "category=%00spam", "page=999", "page=x", "sort=-name", "sort=evil"])
def test_odd_queries_of_the_lists_are_answered(query):
    client = signed_in(make_customer())

    assert client.get(page("templates") + "?" + query).status_code in (200, 404)
    assert client.get(page("senders") + "?" + query).status_code in (200, 404)


# --- senders


def test_adding_a_sender_and_submitting_it_at_once():
    customer = make_customer()

    answer = signed_in(customer).post(
        page("sender_new"), {"kind": "signature", "name": "Kestrel", "purpose": "Orders", "action": "submit"}
    )

    sender = SenderId.objects.get()
    assert answer.url == page("sender", sender.pk)
    assert sender.status == ReviewStatus.SUBMITTED and sender.reviews.count() == 1


def test_a_bad_name_is_explained_at_its_field():
    answer = signed_in(make_customer()).post(page("sender_new"), {"kind": "numeric", "name": "+44 7700", "purpose": ""})

    assert answer.status_code == 422
    assert "3 to 15 digits, without + or spaces" in answer.context["form"].errors["name"][0]
