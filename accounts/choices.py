"""What people choose from: countries by name, time zones."""

import zoneinfo

from django.utils.translation import gettext_lazy as _

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


def time_zones() -> list[tuple[str, str]]:
    areas = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    names = sorted(name for name in zoneinfo.available_timezones() if name.startswith(areas))
    return [(name, name.replace("_", " ")) for name in ["UTC", *names]]
