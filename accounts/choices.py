"""What people choose from, in words: countries, time zones, roles, scopes of a key."""

import zoneinfo
from functools import cache

from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from .models.access import RoleChoices
from .rules.permissions import Role

COUNTRY_NAMES = {
    "AU": _("Australia"),
    "CA": _("Canada"),
    "CN": _("China"),
    "DE": _("Germany"),
    "ES": _("Spain"),
    "FR": _("France"),
    "GB": _("United Kingdom"),
    "HK": _("Hong Kong"),
    "IE": _("Ireland"),
    "IN": _("India"),
    "IT": _("Italy"),
    "JP": _("Japan"),
    "KE": _("Kenya"),
    "MY": _("Malaysia"),
    "NG": _("Nigeria"),
    "NL": _("Netherlands"),
    "NZ": _("New Zealand"),
    "PH": _("Philippines"),
    "PL": _("Poland"),
    "SG": _("Singapore"),
    "US": _("United States"),
    "ZA": _("South Africa"),
}


def countries() -> list[tuple[str, str]]:
    """Country codes and names, in the order of the reader's language."""
    return sorted(((code, str(name)) for code, name in COUNTRY_NAMES.items()), key=lambda choice: choice[1])


@cache
def time_zones() -> tuple[tuple[str, str], ...]:
    """Names of zones and how they are read.  Kept: they are found by looking through a few hundred files."""
    areas = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    names = sorted(name for name in zoneinfo.available_timezones() if name.startswith(areas))
    return tuple((name, name.replace("_", " ")) for name in ["UTC", *names])


ROLE_HINTS = {
    Role.OWNER: _("Everything, the team and money included."),
    Role.ADMIN: _("Everything but moving money to accounts below."),
    Role.DEVELOPER: _("API keys, webhooks, templates and sending by API."),
    Role.SENDER: _("Campaigns, messages and templates."),
    Role.FINANCE: _("Packages, payments and the wallet."),
    Role.REVIEWER: _("Approves or rejects templates and senders."),
    Role.SUPPORT: _("Looks at everything and may reveal phone numbers."),
    Role.READ_ONLY: _("Looks at everything but phone numbers."),
}


def described(role: Role) -> str:
    """A role and what it is for, as one label."""
    return format_html(
        '<b class="b">{}</b> <span class="t2">{}</span>', RoleChoices(role).label, ROLE_HINTS[Role(role)]
    )


SCOPE_LABELS = {
    "messages:send": _("Send messages"),
    "messages:read": _("Read messages and their state"),
    "campaigns:write": _("Create and start campaigns"),
    "templates:read": _("Read templates"),
    "templates:write": _("Create templates"),
    "balance:read": _("Read the balance"),
}
