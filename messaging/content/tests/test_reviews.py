"""Decisions: by somebody else, once, by whoever holds the claim."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import DatabaseError, connection
from django.db.models import Q
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.rules.permissions import Role
from accounts.tests.factories import make_agent, make_customer, make_member, make_operator
from kit.errors import Invalid, NotFound
from messaging.content.actions import approve, claim_review, reject, release_review, reviews, submit_version
from messaging.content.errors import (
    AlreadyDecided,
    ClaimedByAnother,
    NotADraft,
    NotAReviewer,
    OwnWork,
    ReasonNeeded,
)
from messaging.content.models import Review, ReviewStatus
from messaging.content.queries import next_review, open_reviews
from messaging.content.tests.factories import (
    approved,
    draft_version,
    make_author,
    make_reviewer,
    submitted_sender,
    submitted_version,
    watch_for,
)

pytestmark = pytest.mark.django_db


def test_approving_makes_a_version_sendable_and_is_recorded():
    review = submitted_version(make_customer())
    reviewer = make_reviewer()

    decided = approved(review, by=reviewer)

    assert decided.version.status == ReviewStatus.APPROVED
    assert (decided.decided_by, decided.claimed_by) == (reviewer, None)
    line = AuditEntry.objects.get(action="template.approved")
    assert line.target_id == str(review.version_id) and line.after["status"] == "approved"


def test_rejecting_keeps_the_reasons_for_the_author():
    review = submitted_sender(make_customer())

    decided = reject(review=review, by=make_reviewer(), reasons=["sender_mismatch", "other"], note="Send a letter.")

    assert decided.sender.status == ReviewStatus.REJECTED
    assert (decided.reasons, decided.note) == (["sender_mismatch", "other"], "Send a letter.")


@pytest.mark.parametrize(
    ("reasons", "note", "refusal"),
    [([], "", ReasonNeeded), (["nonsense"], "", Invalid), (["other"], "  ", Invalid), (["other"], "\x00", Invalid)],
)
def test_a_rejection_needs_a_reason_its_author_can_use(reasons, note, refusal):
    review = submitted_version(make_customer())

    with pytest.raises(refusal):
        reject(review=review, by=make_reviewer(), reasons=reasons, note=note)

    review.refresh_from_db()
    assert review.decision == ""


@pytest.mark.parametrize("decide", [approve, lambda **fields: reject(reasons=["link"], **fields)])
def test_nobody_decides_on_their_own_work(decide):
    customer, operator = make_customer(), make_operator()
    author, submitter, colleague = make_author(customer), make_author(customer), make_author(customer)
    version = draft_version(customer, author=author)
    review = submit_version(version=version, by=submitter)
    for person in (author, submitter, colleague):
        make_member(operator, Role.REVIEWER, user=person)
    customer_only = make_member(make_agent(), Role.OWNER).user

    for person in (author, submitter, colleague):
        with pytest.raises(OwnWork):
            decide(review=review, by=person)
    with pytest.raises(NotAReviewer):
        decide(review=review, by=customer_only)

    version.refresh_from_db()
    assert version.status == ReviewStatus.SUBMITTED


def test_an_author_who_left_the_organisation_still_cannot_decide():
    customer = make_customer()
    author = make_author(customer)
    review = submitted_version(customer, author=author)
    author.memberships.all().delete()
    make_member(make_operator(), Role.REVIEWER, user=author)

    with pytest.raises(OwnWork):
        approve(review=review, by=author)


def test_the_database_itself_refuses_a_submitter_who_decides():
    review = submitted_version(make_customer())

    with pytest.raises(DatabaseError, match="review_not_by_its_submitter"):
        Review.objects.filter(pk=review.pk).update(decision="approved", decided_by=review.submitted_by)


def test_opening_claims_for_ten_minutes_and_another_reviewer_is_told():
    review = submitted_version(make_customer())
    first, second = make_reviewer(), make_reviewer()

    claimed = claim_review(review=review, by=first)

    assert timedelta(minutes=9) < claimed.claimed_until - timezone.now() <= timedelta(minutes=10)
    with pytest.raises(ClaimedByAnother):
        claim_review(review=review, by=second)
    with pytest.raises(ClaimedByAnother):
        approve(review=review, by=second)
    assert next_review(by=second) is None
    assert next_review(by=first) == review


def test_a_claim_ends_by_itself_and_by_being_given_back():
    review = submitted_version(make_customer())
    first, second, third = make_reviewer(), make_reviewer(), make_reviewer()
    claim_review(review=review, by=first)
    Review.objects.filter(pk=review.pk).update(claimed_until=timezone.now() - timedelta(seconds=1))

    assert claim_review(review=review, by=second).claimed_by == second
    release_review(review=review, by=third)
    with pytest.raises(ClaimedByAnother):
        claim_review(review=review, by=third)
    release_review(review=review, by=second)
    assert approve(review=review, by=third).decided_by == third


def test_a_reviewer_holds_one_claim_at_a_time():
    customer, reviewer = make_customer(), make_reviewer()
    first, second = submitted_version(customer), submitted_version(customer)
    claim_review(review=first, by=reviewer)

    claim_review(review=second, by=reviewer)

    first.refresh_from_db()
    assert first.claimed_by is None


def test_a_second_decision_is_told_who_was_first_and_changes_nothing():
    review = submitted_version(make_customer())
    approved(review)

    with pytest.raises(AlreadyDecided, match="already decided"):
        reject(review=review, by=make_reviewer(), reasons=["prize"])
    with pytest.raises(AlreadyDecided):
        claim_review(review=review, by=make_reviewer())

    review.refresh_from_db()
    assert (review.decision, review.reasons) == ("approved", [])


def test_a_decision_stands_in_the_database():
    review = approved(submitted_version(make_customer()))

    with pytest.raises(DatabaseError, match="a decision stands"):
        Review.objects.filter(pk=review.pk).update(note="changed my mind")


def test_the_queue_is_ordered_by_when_a_decision_is_due():
    customer = make_customer()
    promotion = submitted_version(customer, category="promotion", body="20% off. Reply STOP to opt out.")
    code = submitted_version(customer, category="verification", body="Your code is {code}.")
    notice = submitted_version(customer, category="notice")

    assert list(open_reviews()) == [code, notice, promotion]
    approved(code)
    assert list(open_reviews()) == [notice, promotion]


def test_the_next_review_follows_the_one_just_decided_then_starts_over():
    customer, reviewer = make_customer(), make_reviewer()
    first, second, third = (submitted_version(customer) for _ in range(3))

    assert next_review(by=reviewer, after=first) == second
    assert next_review(by=reviewer, after=third) == first


def test_submission_keeps_what_screening_found_and_raises_the_risk():
    watch_for("casino")
    customer = make_customer()
    plain = submitted_version(customer)
    review = submitted_version(customer, body="Win at our C a s i n o tonight.", category="promotion")

    (hit,) = review.hits
    assert (hit["word"], hit["severity"]) == ("casino", "block")
    assert review.version.body[hit["start"] : hit["end"]] == "C a s i n o"
    assert plain.risk < 30 <= review.risk <= 100


def test_a_reviewer_sees_every_tenant_below_and_a_tenant_only_its_own():
    customer, stranger = make_customer(parent=make_agent()), make_customer()
    review, reviewer = submitted_version(customer), make_reviewer()

    with make_operator().downline_scope():
        assert list(open_reviews()) == [review]
    with customer.scope():
        assert list(open_reviews()) == [review]
    with stranger.scope():
        assert list(open_reviews()) == []
        with pytest.raises(NotFound):
            approve(review=review, by=reviewer)


def test_submitting_twice_is_refused():
    review = submitted_version(make_customer())

    with pytest.raises(NotADraft):
        submit_version(version=review.version, by=review.submitted_by)


# --- two reviewers at once


def decide_at_once(review):
    """Two reviewers decide at the same moment, one each way; returns what each was told."""
    barrier, told = Barrier(2), {}

    def decide(name, reviewer, action):
        barrier.wait()
        try:
            action(review=review, by=reviewer)
            told[name] = "decided"
        except AlreadyDecided:
            told[name] = "was told"
        except DatabaseError:
            told[name] = "crashed"
        finally:
            connection.close()

    actions = [("approve", approve), ("reject", lambda **fields: reject(reasons=["link"], **fields))]
    threads = [Thread(target=decide, args=(name, make_reviewer(), action)) for name, action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return told


@pytest.mark.django_db(transaction=True)
def test_of_two_reviewers_deciding_at_once_one_decides_and_one_is_told():
    for _ in range(5):
        review = submitted_version(make_customer())

        told = decide_at_once(review)

        assert sorted(told.values()) == ["decided", "was told"]
        review = Review.objects.select_related("version").get(pk=review.pk)
        winner = {"approved": "approve", "rejected": "reject"}[review.decision]
        assert told[winner] == "decided"
        assert review.version.status == review.decision


@pytest.mark.django_db(transaction=True)
def test_without_the_conditional_update_the_race_shows(monkeypatch):
    monkeypatch.setattr(reviews, "_open_to", lambda reviewer: Q())

    told = [sorted(decide_at_once(submitted_version(make_customer())).values()) for _ in range(5)]

    assert any(outcome != ["decided", "was told"] for outcome in told)
