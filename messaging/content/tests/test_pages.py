"""The pages: what they show, whom they let in, and what they do with hostile input."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.rules.permissions import Role
from accounts.tests.factories import make_customer, make_operator, sign_in, signed_in
from messaging.content.models import MessageTemplate, Review, ReviewStatus, SenderId, TemplateVersion
from messaging.content.tests.factories import (
    approved,
    approved_sender,
    approved_version,
    draft_version,
    make_author,
    make_reviewer,
    rejected_version,
    submitted_sender,
    submitted_version,
    watch_for,
)

pytestmark = pytest.mark.django_db


def page(name, *args):
    return reverse(f"messaging:{name}", args=args)


def typed(**fields):
    """The editor's fields as a browser posts them."""
    return {"name": "Parcel", "category": "notice", "body": "Hello", "sender": "", "action": "save"} | fields


def variable(name, type="text", example="Amelia", max_length="20"):
    return {"var_name": [name], "var_type": [type], "var_example": [example], "var_max_length": [max_length]}


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


# --- the live count


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Hello", {"encoding": "gsm7", "segments": {"shortest": 1, "typical": 1, "longest": 1}}),
        ("x" * 150 + "{name}", {"encoding": "gsm7", "segments": {"shortest": 1, "typical": 1, "longest": 2}}),
        ("x" * 80 + "’", {"encoding": "ucs2", "segments": {"shortest": 2, "typical": 2, "longest": 2}}),
    ],
)
def test_the_count_answers_scripts_with_json(body, expected):
    client = signed_in(make_customer())

    answer = client.post(page("count"), typed(body=body) | variable("name"), headers={"accept": "application/json"})

    assert answer.json() | expected == answer.json()


def test_the_count_names_the_character_that_forces_unicode_and_what_it_would_save():
    client = signed_in(make_customer())
    body = "x " * 45 + "we’ve"

    content = client.post(page("count"), typed(body=body)).content.decode()

    assert "“’” makes this Unicode" in content
    assert "Character 93, in “we’ve” (U+2019)" in content
    assert "With plain characters it takes 1 instead of 2." in content


def test_the_count_includes_the_signature_and_says_that_it_forces_unicode():
    customer = make_customer()
    sender = approved_sender(customer)
    client = signed_in(customer)

    content = client.post(page("count"), typed(body="x" * 62, sender=str(sender.pk))).content.decode()

    assert "2 segments" in content and "brackets 【】" in content


def test_the_count_shows_hints_and_words_on_the_list():
    watch_for("casino")
    client = signed_in(make_customer())

    content = client.post(page("count"), typed(body="Our casino is open", category="promotion")).content.decode()

    assert "Blocked word: “casino”" in content
    assert "A promotion must say how to opt out" in content


HOSTILE = [
    "a\x00b",
    "\ud83d".encode("utf-8", "surrogatepass").decode("latin-1"),
    "<script>alert(1)</script>",
    "{" * 2000,
    "{{}}" * 500,
    "{a}" * 600,
    "字" * 100_000,
    "\u202e\u2028\x1b",
    "'; DROP TABLE content_review; --",
    "{0.__class__}",
    "%s %(name)s %n",
]


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


def test_ten_thousand_variables_get_an_answer():
    client = signed_in(make_customer())
    body = "".join(f"{{v{number}}}" for number in range(10_000))

    assert client.post(page("template_new"), typed(body=body)).status_code == 422
    assert client.post(page("count"), typed(body=body)).status_code == 200


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


# --- the review queue


def reviewing(user=None):
    user = user or make_reviewer()
    return sign_in(Client(), user, make_operator()), user


def test_the_queue_lists_what_is_due_first_and_offers_to_start():
    customer = make_customer()
    submitted_version(customer, name="Sale", category="promotion", body="20% off. Reply STOP to opt out.")
    first = submitted_version(customer, name="Code", category="verification", body="Your code is {code}.")
    client, _ = reviewing()

    answer = client.get(page("reviews"))

    titles = [line.review.title for line, _url in answer.context["lines"]]
    assert titles == ["Code", "Sale"]
    assert answer.context["start_url"] == page("review", first.pk)


def test_opening_an_item_claims_it_and_shows_what_changed_and_what_was_found():
    watch_for("casino")
    customer = make_customer()
    old = approved_version(customer, name="Open", body="We open at nine.")
    author = signed_in(customer)
    author.post(page("template_new_version", old.template_id))
    draft = TemplateVersion.objects.get(number=2)
    author.post(page("draft", draft.pk), typed(name="Open", body="Our casino opens at nine.", action="submit"))
    review = Review.objects.get(version=draft)
    client, reviewer = reviewing()

    content = client.get(page("review", review.pk)).content.decode()

    review.refresh_from_db()
    assert review.claimed_by == reviewer
    assert "<del>We open</del>" in content and "<ins>Our </ins>" in content
    assert '<mark class="hit">casino</mark>' in content
    assert "Blocked word: “casino”" in content


def test_approving_opens_the_next_item():
    customer = make_customer()
    first, second = submitted_version(customer), submitted_version(customer)
    client, reviewer = reviewing()
    client.get(page("review", first.pk))

    answer = client.post(page("review", first.pk), {"decision": "approve"})

    first.refresh_from_db()
    assert answer.url == page("review", second.pk)
    assert (first.decision, first.decided_by) == ("approved", reviewer)


def test_the_filter_stays_while_deciding():
    customer = make_customer()
    submitted_version(customer)
    first, second = submitted_sender(customer), submitted_sender(customer, name="Heron")
    client, _ = reviewing()

    answer = client.post(page("review", first.pk) + "?kind=senders", {"decision": "approve"})

    assert answer.url == page("review", second.pk) + "?kind=senders"


def test_rejecting_needs_a_reason_and_keeps_what_was_typed():
    review = submitted_version(make_customer())
    client, _ = reviewing()

    answer = client.post(page("review", review.pk), {"decision": "reject", "note": "Please change it."})

    assert answer.status_code == 422
    assert "Choose at least one reason" in answer.content.decode() and "Please change it." in answer.content.decode()
    client.post(page("review", review.pk), {"decision": "reject", "reasons": ["prize", "link"]})
    review.refresh_from_db()
    assert (review.decision, review.reasons) == ("rejected", ["prize", "link"])


def test_a_reviewer_who_comes_second_is_told():
    review = submitted_version(make_customer())
    client, _ = reviewing()
    client.get(page("review", review.pk))
    Review.objects.filter(pk=review.pk).update(claimed_by=None, claimed_until=None)
    approved(review)

    answer = client.post(page("review", review.pk), {"decision": "reject", "reasons": ["link"]}, follow=True)

    review.refresh_from_db()
    assert review.decision == "approved"
    assert "has already decided this: Approved. Nothing was overwritten." in answer.content.decode()


def test_an_item_another_reviewer_has_open_can_be_read_but_not_decided():
    review = submitted_version(make_customer())
    first, holder = reviewing()
    first.get(page("review", review.pk))
    second, _ = reviewing()

    answer = second.get(page("review", review.pk))
    posted = second.post(page("review", review.pk), {"decision": "approve"})

    review.refresh_from_db()
    assert "has this open until" in answer.content.decode() and b'value="approve"' not in answer.content
    assert posted.status_code == 302 and review.decision == "" and review.claimed_by == holder


def test_an_author_who_reviews_can_read_their_own_work_only():
    customer, operator = make_customer(), make_operator()
    author = make_author(customer)
    review = submitted_version(customer, author=author)
    with operator.scope():
        operator_member = author.memberships.create(organisation=operator, role=Role.REVIEWER)
    client = sign_in(Client(), operator_member.user, operator)

    content = client.get(page("review", review.pk)).content.decode()
    refused = client.post(page("review", review.pk), {"decision": "approve"})

    review.refresh_from_db()
    assert "You can read this, not decide it" in content
    assert refused.status_code == 403 and (review.decision, review.claimed_by) == ("", None)


def test_going_back_to_the_queue_gives_the_claim_back():
    review = submitted_version(make_customer())
    client, _ = reviewing()
    client.get(page("review", review.pk))

    client.post(page("review", review.pk), {"action": "release"})

    review.refresh_from_db()
    assert review.claimed_by is None


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.FINANCE, Role.READ_ONLY])
def test_only_reviewers_of_the_operator_open_the_queue(role):
    operator = make_operator()
    review = submitted_version(make_customer())

    client = signed_in(operator, role)

    assert client.get(page("reviews")).status_code == 403
    assert client.post(page("review", review.pk), {"decision": "approve"}).status_code == 403


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["decision", "reasons", "note"])
def test_hostile_text_in_a_decision_is_answered(field, text):
    review = submitted_version(make_customer())
    client, _ = reviewing()

    answer = client.post(page("review", review.pk), {"decision": "reject", "reasons": ["link"]} | {field: text})

    assert answer.status_code in (302, 303, 422)
    assert b"<script>alert(1)" not in answer.content


def test_the_queue_keeps_its_query_budget(django_assert_max_num_queries):
    customer = make_customer()
    reviews = [submitted_version(customer) for _ in range(15)]
    client, _ = reviewing()
    client.get(page("reviews"))

    with django_assert_max_num_queries(30):
        client.get(page("reviews"))
    with django_assert_max_num_queries(45):
        client.get(page("review", reviews[0].pk))
