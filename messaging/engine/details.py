"""What a message's page shows: its way in steps, its text, its facts and its cost."""

import re
from datetime import timedelta
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from accounts.models import ApiKey, Organisation
from billing.packages.models import Allowance
from billing.pricing.models import Category
from kit.formatting import format_money, format_unit_price, took
from messaging.content.models import TemplateVersion
from messaging.recipients.countries import country_name

from .meanings import meaning_of
from .models import Message
from .queries import Step, timeline_of
from .states import Status

#: Codes are good for minutes; whoever reads a log later needs none of them.
CODES_SHOWN_FOR = timedelta(minutes=10)
_CODE = re.compile(r"\d(?:[ -]?\d){3,9}")

ICONS = {
    "accepted": "arrow-down",
    "attempt": "building-broadcast-tower",
    "outcome": "check",
    "receipt": "mail-check",
    "final": "circle-check",
}
#: What receipts say, in our words.
RECEIPTS = {
    "accepted": gettext_lazy("Still on its way"),
    "delivered": gettext_lazy("Delivered to the handset"),
    "undelivered": gettext_lazy("Not delivered"),
    "expired": gettext_lazy("Given up by the carrier"),
}
#: A step's tone as the timeline knows it.
TONES = {"run": "info", "wait": ""}


def page_of_message(organisation: Organisation, message: Message) -> dict[str, Any]:
    """Everything the page needs; a handful of queries, whatever happened to the message."""
    return {
        "message": message,
        "status_line": status_line(message),
        "steps": drawn(timeline_of(message), message),
        "text": shown_text(message) or pgettext("a number or a text", "erased"),
        "is_code_hidden": shown_text(message) != message.body,
        "details": details(organisation, message),
        "cost": cost(organisation, message),
    }


def status_line(message: Message) -> str:
    """The state, and how long it took to get there."""
    if message.state == Status.DELIVERED and message.final_at:
        return _("Delivered in %(span)s") % {"span": took(milliseconds(message.final_at - message.accepted_at))}
    return str(message.get_status_display())


def milliseconds(span: timedelta) -> float:
    return max(0.0, span.total_seconds() * 1000)


# --- its way


def drawn(steps: list[Step], message: Message) -> list[dict[str, Any]]:
    """The steps as the timeline component takes them, each with the time since the one before."""
    before, said = None, ""
    lines = []
    for step in steps:
        lines.append(
            {
                "time": f"{timezone.localtime(step.at):%H:%M:%S}.{step.at.microsecond // 1000:03d}",
                "iso": step.at.isoformat(),
                "tone": TONES.get(step.tone, step.tone),
                "icon": icon_of(step),
                "title": step.label,
                "text": text_of(step, message),
                "code": step.data.get("code", "") if step.data.get("code") != said else "",
                "meaning": meaning_of(step.data.get("code", "")),
                "gap": f"+{took(milliseconds(step.at - before))}" if before else "",
            }
        )
        before, said = step.at, step.data.get("code", "")
    return lines


def icon_of(step: Step) -> str:
    if step.tone in ("warn", "bad"):
        return "alert-triangle"
    return ICONS.get(step.code, "check")


def text_of(step: Step, message: Message) -> str:
    data = step.data
    if step.code == "accepted":
        return _("Checked, paid for and queued") if not message.is_test else _("A test message: it reaches no carrier")
    if step.code == "attempt":
        return _("Attempt %(number)d") % {"number": data["number"]}
    if step.code == "outcome" and data.get("reference"):
        return _("Carrier's message id %(reference)s") % {"reference": data["reference"]}
    if step.code == "receipt":
        return str(RECEIPTS.get(data["state"], data["state"]))
    if step.code == "final":
        return money_line(message)
    return ""


def money_line(message: Message) -> str:
    """What the final state did to the money."""
    if message.is_test or not (message.price or message.allowance_id):
        return _("Nothing was charged")
    if message.state == Status.DELIVERED:
        return _("Paid for")
    return _("The price was returned")


# --- its text


def shown_text(message: Message) -> str:
    """The text; a verification code in it is hidden some minutes after it was sent."""
    if message.category != Category.VERIFICATION or timezone.now() - message.accepted_at < CODES_SHOWN_FOR:
        return message.body
    return _CODE.sub(lambda found: "•" * len(found.group()), message.body)


# --- its facts


def details(organisation: Organisation, message: Message) -> list[tuple[Any, Any]]:
    rows = [
        (_("Country"), country_name(message.country)),
        (_("Type"), message.get_category_display()),
        (_("Sender"), message.sender or _("Signature in the text")),
        (_("Template"), template_link(organisation, message)),
        (pgettext("message", "Sent by"), origin_of(organisation, message)),
    ]
    if message.client_reference:
        rows.append((_("Your reference"), format_html('<span class="mono">{}</span>', message.client_reference)))
    rows.append((_("Attempts"), message.attempts))
    return rows


def template_link(organisation: Organisation, message: Message) -> Any:
    version = (
        TemplateVersion.objects.filter(organisation=organisation, pk=message.template_version_id)
        .select_related("template")
        .first()
    )
    if version is None:
        return "—"
    return link(f"{version.template.name} v{version.number}", "messaging:template", version.template_id)


def origin_of(organisation: Organisation, message: Message) -> Any:
    if message.campaign_id:
        return link(_("A campaign"), "messaging:campaign", message.campaign_id)
    key = ApiKey.objects.filter(organisation=organisation, pk=message.api_key_id).first()
    return _("API key “%(name)s”") % {"name": key.name} if key else _("API")


def link(label: str, url_name: str, *args: Any) -> Any:
    try:
        return format_html('<a href="{}">{}</a>', reverse(url_name, args=args), label)
    except NoReverseMatch:
        return label


# --- its cost


def cost(organisation: Organisation, message: Message) -> list[tuple[Any, Any]]:
    encoding = _("Unicode (UCS-2)") if message.is_unicode else _("GSM-7")
    if message.body:
        encoding = _("%(encoding)s, %(count)d characters") % {"encoding": encoding, "count": len(message.body)}
    rows = [
        (_("Encoding"), encoding),
        (_("Segments"), message.segments),
        (_("Paid by"), payer_of(organisation, message)),
    ]
    if message.price:
        rows.append((_("Price a segment"), format_unit_price(message.price // message.segments, message.currency)))
    return [*rows, *total(message)]


def payer_of(organisation: Organisation, message: Message) -> str:
    if message.is_test:
        return _("nobody: a test")
    if message.allowance_id is None:
        return _("Wallet")
    allowance = (
        Allowance.objects.filter(organisation=organisation, pk=message.allowance_id)
        .select_related("purchase__package")
        .first()
    )
    return allowance.purchase.package.name if allowance and allowance.purchase else _("Package")


def total(message: Message) -> list[tuple[Any, Any]]:
    """What it costs in the end: the price is set aside first, and paid or returned with the final state."""
    if message.allowance_id:
        amount = _("%(count)d segments") % {"count": message.segments}
    else:
        amount = format_money(message.price, message.currency, decimals=4)
    if not message.is_final:
        return [(_("Set aside"), amount)]
    if message.state == Status.DELIVERED:
        return [(_("Total"), format_html('<b class="b">{}</b>', amount))]
    nothing = _("0 segments") if message.allowance_id else format_money(0, message.currency)
    return [(_("Returned"), amount), (_("Total"), format_html('<b class="b">{}</b>', nothing))]
