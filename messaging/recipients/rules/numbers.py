"""What a person typed, read as a mobile number the way the numbering plans (`phonenumbers`) see it."""

import re
import unicodedata
from typing import Final, NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, ValidationResult

from .numbering_plans import FIXED_OR_MOBILE, MOBILE, find_mobile

#: Longer than any number in any dress; what is longer is prose or an attack, and is not looked at.
LONGEST_TYPED = 100


class Number(NamedTuple):
    """A number that can receive a message: `+` and digits, the ISO region it belongs to, and what kind it is."""

    e164: str
    country: str
    kind: str

    @property
    def digits(self) -> int:
        """The number as an integer, which is how large sets of them are kept."""
        return int(self.e164[1:])


class Unusable(NamedTuple):
    """Why no message can be sent to what was typed; `reason` is one of `REASONS`."""

    reason: str


#: Every reason `parse_number` gives, in the words of a maintainer; pages show their own, translated.
REASONS: Final = {
    "empty": "there is nothing in the cell",
    "not_a_number": "the text is not a phone number",
    "several_numbers": "the cell holds more than one number",
    "scientific_notation": "a spreadsheet shortened the number (1.38E+10); digits may be lost",
    "unknown_country": "no country has this calling code",
    "too_short": "the number has too few digits",
    "too_long": "the number has too many digits",
    "not_assigned": "no operator has numbers like this",
    "not_mobile": "a landline, service or premium number",
}

_UNUSABLE: Final = {reason: Unusable(reason) for reason in REASONS}
_KINDS: Final = {
    PhoneNumberType.MOBILE: MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: FIXED_OR_MOBILE,
}
_LENGTHS: Final = {
    ValidationResult.TOO_SHORT: "too_short",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "too_short",
    ValidationResult.TOO_LONG: "too_long",
    ValidationResult.INVALID_COUNTRY_CODE: "unknown_country",
}
_PARSE_ERRORS: Final = {
    NumberParseException.INVALID_COUNTRY_CODE: "unknown_country",
    NumberParseException.TOO_SHORT_AFTER_IDD: "too_short",
    NumberParseException.TOO_SHORT_NSN: "too_short",
    NumberParseException.TOO_LONG: "too_long",
    NumberParseException.NOT_A_NUMBER: "not_a_number",
}

_SEVERAL = re.compile(r"[,;/|\\&\n\r]+|\s{2,}|(?<=\d{7})\s(?=\+|00|\d{7})")
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d+")
_FLOAT = re.compile(r"(\+?\d{5,})\.0+")
_DIALLED = re.compile(r"\+?[0-9]+")
_PLAINLY_DIALLED = re.compile(r"\+?[0-9]{1,99}")  # no dress to take off
_PUNCTUATION = str.maketrans("", "", " ()./-")


class _Plain(dict[int, str]):
    """For `str.translate`: full-width and other scripts' digits as ASCII, any space a space, any dash a dash,
    marks without width (bidi controls, joiners, byte-order marks) nothing."""

    def __missing__(self, code: int) -> str:
        self[code] = plain = _plain_character(chr(code))
        return plain


def _plain_character(character: str) -> str:
    if (value := unicodedata.decimal(character, None)) is not None:
        return str(value)
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    if category == "Pd" or character == "\u2212":
        return "-"
    if category in ("Cf", "Mn"):
        return ""
    return {"、": ",", "。": "."}.get(character) or unicodedata.normalize("NFKC", character)


_PLAIN: Final = _Plain()


def plain_text(raw: str) -> str:
    """The same text in plain ASCII digits, spaces and dashes, without invisible marks and outer blanks."""
    return (raw if raw.isascii() else raw.translate(_PLAIN)).strip()


def parse_number(raw: str, *, default_region: str) -> Number | Unusable:
    """Read one typed number; `default_region` (ISO, "CN") is assumed where no calling code was written.

    Accepts what people and spreadsheets write: `+` and `00`, spaces, dashes, dots and brackets, full-width digits,
    invisible marks, a leading apostrophe, `13812345678.0`, the region's own calling code without a plus.
    Refuses scientific notation even where all digits are there, because a shortened number looks the same.
    A calling code without plus or `00` is never guessed: a typing error would become a number abroad.
    Never raises, whatever the text.
    """
    if _PLAINLY_DIALLED.fullmatch(raw):
        return _read(raw, default_region)
    if len(raw) > LONGEST_TYPED:
        return _UNUSABLE["not_a_number" if raw.strip() else "empty"]
    typed = plain_text(raw).lstrip("'`").strip()
    if not typed:
        return _UNUSABLE["empty"]
    if typed[:4].lower() == "tel:":
        typed = typed[4:].strip()
    if matched := _FLOAT.fullmatch(typed):
        typed = matched[1]
    if _holds_several(typed):
        return _UNUSABLE["several_numbers"]
    digits = typed.translate(_PUNCTUATION)
    if digits.startswith("++"):
        digits = "+" + digits.lstrip("+")
    if not _DIALLED.fullmatch(digits):
        return _UNUSABLE["scientific_notation" if _SCIENTIFIC.fullmatch(typed) else "not_a_number"]
    return _read(digits, default_region)


def _holds_several(typed: str) -> bool:
    """More than one stretch of seven digits or more, parted as people part numbers (138…/139…, 138… 139…)."""
    if len(typed) < 15:
        return False
    parts = _SEVERAL.split(typed)
    return len(parts) > 1 and sum(sum(map(str.isdigit, part)) >= 7 for part in parts) > 1


def _read(digits: str, default_region: str) -> Number | Unusable:
    """`digits` holds nothing but digits and perhaps one plus before them."""
    if digits.startswith("00"):
        # 00 is how people write +, also where one dials 011 (US), and where 008 is a carrier's prefix (HK).
        abroad = _judge("+" + digits[2:], default_region)
        if isinstance(abroad, Number):
            return abroad
    return _judge(digits, default_region)


def _judge(digits: str, default_region: str) -> Number | Unusable:
    if found := find_mobile(digits, default_region):
        return Number(f"+{found.calling_code}{found.national}", found.country, found.kind)
    try:
        parsed = phonenumbers.parse(digits, default_region)
    except NumberParseException as error:
        return _UNUSABLE[_PARSE_ERRORS.get(error.error_type, "not_a_number")]
    kind = phonenumbers.number_type(parsed)
    if kind in _KINDS:
        country = phonenumbers.region_code_for_number(parsed)
        if country is not None:
            return Number(_e164(parsed), country, _KINDS[kind])
    if kind != PhoneNumberType.UNKNOWN:
        return _UNUSABLE["not_mobile"]
    length = phonenumbers.is_possible_number_for_type_with_reason(parsed, PhoneNumberType.MOBILE)
    return _UNUSABLE[_LENGTHS.get(length, "not_assigned")]


def _e164(parsed: PhoneNumber) -> str:
    if parsed.italian_leading_zero:
        return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return f"+{parsed.country_code}{parsed.national_number}"
