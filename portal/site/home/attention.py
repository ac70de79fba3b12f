"""What needs a person, at most five things: what, the evidence, one button."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Membership, Organisation
from accounts.rules.permissions import Permission
from kit.formatting import format_count, format_money, series
from kit.sql import rows
from messaging.campaigns.listing import ListedCampaign
from messaging.campaigns.models import Campaign
from messaging.content.models import ReviewStatus, SenderId
from messaging.content.reasons import reasons_of

from ..navigation import address
from .allowances import UsableAllowance

EXPIRES_SOON = timedelta(days=14)
FEW_DAYS = 3
MOST, MOST_SENDERS = 5, 2


def attention(
    organisation: Organisation,
    membership: Membership,
    *,
    balance: int,
    days_left: int | None,
    allowances: list[UsableAllowance],
    campaigns: list[ListedCampaign],
) -> list[dict[str, Any]]:
    """The most pressing first.  Two queries of its own; the rest is what the page has read already."""
    items = [*suspended(organisation)]
    if membership.may(Permission.VIEW_MESSAGES):
        items += stopped_campaigns(campaigns)
    if membership.may(Permission.VIEW_BILLING):
        items += low_balance(organisation, balance, days_left, has_package=bool(allowances))
    if membership.may(Permission.VIEW_CONTENT):
        items += [*rejected_templates(organisation), *rejected_senders(organisation)]
    if membership.may(Permission.VIEW_BILLING):
        items += expiring(allowances)
    return items[:MOST]


def suspended(organisation: Organisation) -> Iterator[dict[str, Any]]:
    if organisation.is_stopped:
        yield {
            "icon": "ban", "tone": "bad", "title": _("This account is suspended"),
            "text": _("Nothing can be sent or bought until it is resumed. What is stored stays readable."),
        }  # fmt: skip


def stopped_campaigns(campaigns: list[ListedCampaign]) -> Iterator[dict[str, Any]]:
    for campaign in campaigns:
        if campaign.status == Campaign.Status.STOPPED:
            yield {
                "icon": "alert-triangle", "tone": "bad",
                "title": _("Campaign “%(name)s” stopped") % {"name": campaign.name},
                "text": campaign.stop_message or _("It needs a decision before it goes on."),
                "action": _("Look"), "url": address("messaging:campaign", campaign.pk),
            }  # fmt: skip


def low_balance(
    organisation: Organisation, balance: int, days_left: int | None, *, has_package: bool
) -> Iterator[dict[str, Any]]:
    is_fine = has_package if balance <= 0 else days_left is None or days_left >= FEW_DAYS
    if is_fine:
        return
    text = _("Sending stops when the wallet and the packages are used up.")
    if balance > 0:
        text = ngettext(
            "At the pace of the last week it lasts %(days)d day.",
            "At the pace of the last week it lasts %(days)d days.",
            days_left,
        ) % {"days": days_left}
    yield {
        "icon": "wallet", "tone": "warn", "action": _("Top up"), "url": address("billing:top_up"), "text": text,
        "title": _("The wallet holds %(money)s") % {"money": format_money(balance, organisation.currency)},
    }  # fmt: skip


def rejected_templates(organisation: Organisation) -> Iterator[dict[str, Any]]:
    """Templates whose latest version came back."""
    found = rows(_REJECTED_TEMPLATES, [organisation.pk, ReviewStatus.REJECTED, MOST])
    for template_id, name, codes in found:
        reasons = [str(reason.label) for reason in reasons_of(codes)]
        yield {
            "icon": "file-x", "tone": "bad", "action": _("Fix"), "url": address("messaging:template", template_id),
            "title": _("Template “%(name)s” was rejected") % {"name": name},
            "text": _("%(reasons)s. Mend it and submit it again.") % {"reasons": series(reasons) or _("See the note")},
        }  # fmt: skip


_REJECTED_TEMPLATES = """
    SELECT latest.template_id, latest.name, ARRAY(
        SELECT reason.code FROM content_review review, jsonb_array_elements_text(review.reasons) WITH ORDINALITY reason (code, place)
        WHERE review.version_id = latest.id ORDER BY review.id, reason.place
    )
    FROM (
        SELECT DISTINCT ON (version.template_id) version.*, template.name FROM content_templateversion version
        JOIN content_messagetemplate template ON template.id = version.template_id AND template.archived_at IS NULL
        WHERE version.organisation_id = %s ORDER BY version.template_id, version.number DESC
    ) latest
    WHERE latest.status = %s ORDER BY latest.submitted_at DESC LIMIT %s
"""


def rejected_senders(organisation: Organisation) -> Iterator[dict[str, Any]]:
    for kind, name in rows(_REJECTED_SENDERS, [organisation.pk, ReviewStatus.REJECTED, MOST_SENDERS]):
        yield {
            "icon": "signature", "tone": "bad", "action": _("Fix"), "url": address("messaging:senders"),
            "title": _("Sender %(name)s was rejected") % {"name": SenderId(kind=kind, name=name)},
            "text": _("Its page says what is missing."),
        }  # fmt: skip


_REJECTED_SENDERS = """
    SELECT kind, name FROM content_senderid WHERE organisation_id = %s AND status = %s ORDER BY id DESC LIMIT %s
"""


def expiring(allowances: list[UsableAllowance]) -> Iterator[dict[str, Any]]:
    soon = timezone.now() + EXPIRES_SOON
    for allowance in allowances:
        if allowance.expires_at < soon:
            name = _("Package") if allowance.package_name is None else allowance.package_name
            yield {
                "icon": "package", "tone": "info", "action": _("Renew"), "url": address("billing:packages"),
                "title": _("%(name)s ends on %(day)s")
                % {"name": name, "day": formats.date_format(timezone.localtime(allowance.expires_at), "SHORT_DATE_FORMAT")},
                "text": _("%(left)s of %(segments)s segments left.")
                % {"left": format_count(allowance.left), "segments": format_count(allowance.segments)},
            }  # fmt: skip
