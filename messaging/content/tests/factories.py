"""Templates and senders the product could have made: written by a member, approved by a reviewer."""

from itertools import count

from accounts.models import Organisation, User
from accounts.rules.permissions import Role
from accounts.tests.factories import make_member, make_operator
from messaging.content.actions import (
    add_words,
    approve,
    create_sender,
    create_template,
    reject,
    submit_sender,
    submit_version,
)
from messaging.content.models import Review, SenderId, TemplateVersion
from messaging.content.wording import described

_numbers = count(1)


def make_author(organisation: Organisation) -> User:
    """A member who writes templates."""
    return make_member(organisation, Role.SENDER).user


def make_reviewer() -> User:
    """A compliance reviewer of the operator."""
    return make_member(make_operator(), Role.REVIEWER).user


def draft_version(
    organisation: Organisation,
    *,
    body: str = "Hi {name}, your parcel is here.",
    category: str = "notice",
    variables: list | None = None,
    name: str = "",
    author: User | None = None,
) -> TemplateVersion:
    """A draft.  Variables that are not described are texts with the example “Amelia”."""
    author = author or make_author(organisation)
    rows = described(body, variables or ())
    with organisation.scope():
        return create_template(
            organisation=organisation,
            name=name or f"Template {next(_numbers)}",
            category=category,
            body=body,
            variables=[{**row, "example": row["example"] or "Amelia"} for row in rows],
            author=author,
        )


def submitted_version(organisation: Organisation, **fields) -> Review:
    """The open review of a version."""
    version = draft_version(organisation, **fields)
    with organisation.scope():
        return submit_version(version=version, by=version.author)


def approved_version(organisation: Organisation, **fields) -> TemplateVersion:
    return approved(submitted_version(organisation, **fields)).version


def rejected_version(organisation: Organisation, *, reasons=("opt_out_missing",), note="", **fields) -> TemplateVersion:
    review = submitted_version(organisation, **fields)
    with make_operator().downline_scope():
        return reject(review=review, by=make_reviewer(), reasons=reasons, note=note).version


def draft_sender(
    organisation: Organisation, *, name: str = "Kestrel", kind: str = "signature", author: User | None = None
) -> SenderId:
    author = author or make_author(organisation)
    with organisation.scope():
        return create_sender(organisation=organisation, kind=kind, name=name, purpose="Orders", author=author)


def submitted_sender(organisation: Organisation, **fields) -> Review:
    sender = draft_sender(organisation, **fields)
    with organisation.scope():
        return submit_sender(sender=sender, by=sender.author)


def approved_sender(organisation: Organisation, **fields) -> SenderId:
    return approved(submitted_sender(organisation, **fields)).sender


def approved(review: Review, *, by: User | None = None) -> Review:
    """The review after a reviewer has approved it."""
    by = by or make_reviewer()
    with make_operator().downline_scope():
        return approve(review=review, by=by)


def watch_for(*words: str, severity: str = "block", category: str = "gambling") -> None:
    """Put words on the operator's list."""
    operator = make_operator()
    with operator.scope():
        add_words(operator=operator, words=words, category=category, severity=severity)
