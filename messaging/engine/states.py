"""A message's states.  The numbers are ranks: they only grow, but for `unknown → queued` when a definite "no" comes late.

`submitting` is not stored: a message that is being handed over is `queued`, and in a Claim.
"""

from enum import IntEnum

from django.utils.translation import gettext_lazy as _


class Status(IntEnum):
    HELD = 10
    QUEUED = 20
    SUBMITTING = 30
    SUBMITTED = 40
    UNKNOWN = 45
    DELIVERED = 90
    UNDELIVERED = 91
    EXPIRED = 92
    REFUSED = 93
    BLOCKED = 94
    CANCELLED = 95

    @property
    def is_final(self) -> bool:
        return self >= FIRST_FINAL


FIRST_FINAL = Status.DELIVERED

LABELS = {
    Status.HELD: _("Held"),
    Status.QUEUED: _("Queued"),
    Status.SUBMITTING: _("Handing over"),
    Status.SUBMITTED: _("Waiting for receipt"),
    Status.UNKNOWN: _("No answer from the carrier"),
    Status.DELIVERED: _("Delivered"),
    Status.UNDELIVERED: _("Failed"),
    Status.EXPIRED: _("No receipt"),
    Status.REFUSED: _("Refused by the carrier"),
    Status.BLOCKED: _("Stopped by us"),
    Status.CANCELLED: _("Cancelled"),
}

#: Names the API and the webhooks use.
CODES = {status: status.name.lower() for status in Status}
BY_CODE = {code: status for status, code in CODES.items()}
TONES = {
    Status.DELIVERED: "ok",
    Status.UNDELIVERED: "bad",
    Status.REFUSED: "bad",
    Status.BLOCKED: "bad",
    Status.EXPIRED: "warn",
    Status.UNKNOWN: "warn",
    Status.CANCELLED: "wait",
    Status.QUEUED: "wait",
    Status.HELD: "wait",
    Status.SUBMITTING: "run",
    Status.SUBMITTED: "run",
}


class Lane(IntEnum):
    """Which queue rows go first."""

    VERIFICATION = 1
    NOTICE = 2
    PROMOTION = 3


LANES = {
    "verification": Lane.VERIFICATION,
    "notice": Lane.NOTICE,
    "international": Lane.NOTICE,
    "promotion": Lane.PROMOTION,
}


class AttemptOutcome(IntEnum):
    SENT = 1
    REFUSED = 2
    NOT_SENT = 3
    UNKNOWN = 4
