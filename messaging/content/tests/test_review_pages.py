"""The review queue: what it shows first, who holds an item, and what deciding asks for."""

import pytest
from django.test import Client

from accounts.rules.permissions import Role
from accounts.tests.factories import make_customer, make_operator, sign_in, signed_in
from messaging.content.models import Review, TemplateVersion
from messaging.content.tests.factories import (
    approved,
    approved_version,
    make_author,
    make_reviewer,
    submitted_sender,
    submitted_version,
    watch_for,
)
from messaging.content.tests.pages import HOSTILE, page, typed

pytestmark = pytest.mark.django_db


def reviewing(user=None):
    """A browser somebody reviews in, and who."""
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
