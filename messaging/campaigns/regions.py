"""Countries whose numbers we can read, and what they are called."""

import phonenumbers
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.choices import COUNTRY_NAMES

REGIONS = frozenset(phonenumbers.SUPPORTED_REGIONS)
NAMES = {
    **COUNTRY_NAMES,
    "AT": _("Austria"),
    "BE": _("Belgium"),
    "BR": _("Brazil"),
    "CH": _("Switzerland"),
    "DK": _("Denmark"),
    "FI": _("Finland"),
    "GG": _("Guernsey"),
    "ID": _("Indonesia"),
    "IM": _("Isle of Man"),
    "JE": _("Jersey"),
    "KR": _("South Korea"),
    "MO": _("Macao"),
    "MX": _("Mexico"),
    "NO": _("Norway"),
    "PT": _("Portugal"),
    "SE": _("Sweden"),
    "TH": _("Thailand"),
    "TW": _("Taiwan"),
    "VN": _("Vietnam"),
}


def country_name(code: str) -> str:
    """The country's name in the reader's language where we have one, else its code."""
    return str(NAMES.get(code, code)) if code else gettext("Unknown")


def region_choices() -> list[tuple[str, str]]:
    """Every numbering plan: "United Kingdom +44" where we know the name, "JE +44" where not; named ones first."""
    known = sorted((str(name), code) for code, name in NAMES.items() if code in REGIONS)
    named = [(code, f"{name} +{phonenumbers.country_code_for_region(code)}") for name, code in known]
    others = sorted(REGIONS - NAMES.keys())
    return named + [(code, f"{code} +{phonenumbers.country_code_for_region(code)}") for code in others]
