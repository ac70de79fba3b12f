"""Countries whose numbers we can read, and what they are called."""

import phonenumbers
from django.utils.translation import gettext

from accounts.choices import COUNTRY_NAMES

REGIONS = frozenset(phonenumbers.SUPPORTED_REGIONS)


def country_name(code: str) -> str:
    """The country's name in the reader's language where we have one, else its code."""
    return str(COUNTRY_NAMES.get(code, code)) if code else gettext("Unknown")


def region_choices() -> list[tuple[str, str]]:
    """Every numbering plan: "United Kingdom +44" where we know the name, "JE +44" where not; named ones first."""
    known = sorted((str(name), code) for code, name in COUNTRY_NAMES.items() if code in REGIONS)
    named = [(code, f"{name} +{phonenumbers.country_code_for_region(code)}") for name, code in known]
    others = sorted(REGIONS - COUNTRY_NAMES.keys())
    return named + [(code, f"{code} +{phonenumbers.country_code_for_region(code)}") for code in others]
