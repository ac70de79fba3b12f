"""Countries whose numbers we can read, and what they are called."""

import unicodedata

import phonenumbers
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.choices import COUNTRY_NAMES
from messaging.recipients import countries

REGIONS = frozenset(phonenumbers.SUPPORTED_REGIONS)
#: Names we give ourselves; the others are those of the Unicode CLDR.
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
    """What the reader calls the country; a code nobody knows stays as it is."""
    return str(NAMES.get(code) or countries.country_name(code)) if code else gettext("Unknown")


def place_of_name(name: str) -> tuple[bool, bytes]:
    """Sorts names as readers look for them: Latin letters without their accents, Chinese by sound, bare codes last.

    GB 18030 has the common characters in the order of their sound, as dictionaries do; Unicode has not.
    """
    letters = unicodedata.normalize("NFKD", name)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return name in REGIONS, plain.casefold().encode("gb18030")


def region_choices() -> list[tuple[str, str]]:
    """Every numbering plan, "United Kingdom +44", in the order of the names in the reader's language."""
    named = sorted(((country_name(code), code) for code in REGIONS), key=lambda pair: place_of_name(pair[0]))
    return [(code, f"{name} +{phonenumbers.country_code_for_region(code)}") for name, code in named]
