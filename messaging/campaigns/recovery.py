"""After a restore a campaign's cursor is where it was: rows accepted since would be accepted, and sent, once more."""

from datetime import datetime

from django.db.models import Q

from kit import tenancy

from .models import Campaign

REASON = {
    "code": "restored",
    "message": "The platform was restored from a backup. Some of the next recipients may have had their message already.",
    "details": {},
}


def stop_what_may_have_gone_on(*, sent_until: datetime) -> int:
    """Stop campaigns that had rows left to accept, or were to begin until then; how many.  A person decides to go on."""
    begun = Q(status=Campaign.Status.SENDING, all_accepted_at=None)
    due = Q(status=Campaign.Status.SCHEDULED, starts_at__lte=sent_until)
    with tenancy.as_engine():
        return Campaign.objects.filter(begun | due).update(status=Campaign.Status.STOPPED, stop_reason=REASON)
