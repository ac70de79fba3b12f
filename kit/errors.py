"""Refusals a person can understand.  Anything else that goes wrong is a bug and surfaces as one."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _


class DomainError(Exception):
    """A refusal: stable `code`, a `message` safe to show, `details` as plain data (field, row, what to do).

    `status` is the HTTP status the API answers with.
    """

    code = "refused"
    message: Any = _("This can't be done.")
    status = 422

    def __init__(self, message: Any = None, **details: Any) -> None:
        self.details: Mapping[str, Any] = details
        if message is not None:
            self.message = message
        super().__init__(self.code)

    def __str__(self) -> str:
        return str(self.message)


class NotFound(DomainError):
    """The thing does not exist, or belongs to somebody else: callers can't tell which."""

    code = "not_found"
    message = _("There is nothing here with that id.")
    status = 404


class NotAllowed(DomainError):
    """The person's role does not include this permission."""

    code = "not_allowed"
    message = _("Your role does not allow this. An owner or admin of the organisation can grant it.")
    status = 403


class Invalid(DomainError):
    """Input that can't be used; `details["fields"]` maps each field to its problem."""

    code = "invalid"
    message = _("Some of what was sent can't be used.")
    status = 422


class TooLarge(DomainError):
    """The body of a request is larger than we read; `details["limit"]` is in bytes."""

    code = "too_large"
    message = _("The request is too large.")
    status = 413


class TooManyRequests(DomainError):
    """`details["retry_after"]` is the number of seconds to wait."""

    code = "rate_limited"
    message = _("That was too much at once. Try again in a moment.")
    status = 429
