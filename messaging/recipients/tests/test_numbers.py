"""Numbers as people and spreadsheets write them."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.recipients.rules.numbers import REASONS, Number, Unusable, parse_number

KNOWN = "+8613812345678"


@pytest.mark.parametrize(
    "typed",
    [
        "13812345678",
        "138 1234 5678",
        "138-1234-5678",
        "138.1234.5678",
        "(138) 1234 5678",
        "013812345678",
        " 13812345678\u00a0",
        "\u202d13812345678\u202c",
        "\ufeff13812345678",
        "138\u200b1234\u20605678",
        "１３８１２３４５６７８",
        "＋８６１３８１２３４５６７８",
        "138－1234－5678",
        "+8613812345678",
        "+ 86 138 1234 5678",
        "(+86) 138 1234 5678",
        "++8613812345678",
        "008613812345678",
        "0086-138-1234-5678",
        "8613812345678",
        "'13812345678",
        "'+8613812345678",
        "13812345678.0",
        "8613812345678.00",
        "tel:+86-138-1234-5678",
        "١٣٨١٢٣٤٥٦٧٨",
    ],
)
def test_one_number_in_many_dresses_is_one_number(typed):
    assert parse_number(typed, default_region="CN") == Number(KNOWN, "CN", "mobile")


@pytest.mark.parametrize(
    ("typed", "country", "kind"),
    [
        ("+852 9135 1205", "HK", "mobile"),
        ("006580469656", "SG", "mobile"),
        ("+49 (0)1522 0256261", "DE", "mobile"),
        ("+1 415-626-0494", "US", "fixed_or_mobile"),
        ("+44 7787 619 725", "GB", "mobile"),
        ("+44 7911 123456", "GG", "mobile"),
        ("+44 7797 123456", "JE", "mobile"),
        ("+39 312 345 6789", "IT", "mobile"),
    ],
)
def test_numbers_abroad_know_their_country(typed, country, kind):
    number = parse_number(typed, default_region="CN")

    assert (number.country, number.kind) == (country, kind)


@pytest.mark.parametrize("region", ["US", "AU", "GB", "ZZ", ""])
def test_two_zeros_mean_abroad_wherever_one_is(region):
    assert parse_number("0086 138 1234 5678", default_region=region).e164 == KNOWN


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "empty"),
        ("  \u00a0\u200b ", "empty"),
        ("n/a", "not_a_number"),
        ("暂无", "not_a_number"),
        ("13812345678转5", "not_a_number"),
        ("1-800-FLOWERS", "not_a_number"),
        ("138+12345678", "not_a_number"),
        ("13,812,345,678", "not_a_number"),
        ("\0", "not_a_number"),
        ("12345", "too_short"),
        ("1391234567", "too_short"),
        ("138123456789012", "too_long"),
        ("8" * 60, "too_long"),
        ("+999123456789", "unknown_country"),
        ("12012345678", "not_assigned"),
        ("021-65551234", "not_mobile"),
        ("+86 010 8888 8888", "not_mobile"),
        ("+44 20 7946 0958", "not_mobile"),
        ("400-800-1234", "not_mobile"),
        ("1.3912345678E+10", "scientific_notation"),
        ("1.39E+10", "scientific_notation"),
        ("13812345678/13912345678", "several_numbers"),
        ("13812345678、13912345678", "several_numbers"),
        ("13812345678 13912345678", "several_numbers"),
        ("+44 7700 900876; +44 7700 900877", "several_numbers"),
    ],
)
def test_what_is_no_mobile_number_says_why(typed, reason):
    assert parse_number(typed, default_region="CN") == Unusable(reason)
    assert reason in REASONS


def test_a_calling_code_without_plus_is_never_guessed():
    assert isinstance(parse_number("447700850876", default_region="CN"), Unusable)
    assert isinstance(parse_number("8613812345678", default_region="GB"), Unusable)


_NEARLY = st.text(alphabet="0123456789+ -().'/e,;\u200b１\u202d", max_size=30)


@given(st.text() | _NEARLY, st.sampled_from(["CN", "US", ""]))
def test_no_text_raises(typed, region):
    assert isinstance(parse_number(typed, default_region=region), (Number, Unusable))


_CODES = st.sampled_from(["86", "852", "65", "49", "44", "1", "39", "7", "33", "55", "54", "52", "61", "81", "91"])
_DIGITS = st.text(alphabet="0123456789", min_size=4, max_size=13)


@given(st.builds("+{}{}".format, _CODES, _DIGITS) | _DIGITS, st.sampled_from(["CN", "US", "GB", "DE", "HK"]))
def test_the_answer_is_the_numbering_plans_answer(typed, region):
    assert parse_number(typed, default_region=region) in _as_phonenumbers_says(typed, region)


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_every_country_is_read_as_its_numbering_plan_says(region):
    for kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE):
        example = phonenumbers.example_number_for_type(region, kind)
        if example is None:
            continue
        code, national = example.country_code, str(example.national_number)
        for typed in (f"+{code}{national}", f"00{code}{national}", national, f"{code}{national}", f"0{national}"):
            assert parse_number(typed, default_region=region) in _as_phonenumbers_says(typed, region)


def _as_phonenumbers_says(typed, region):
    """What `phonenumbers` itself makes of it, with 00 read as + where that gives a number."""
    abroad = _mobile_number("+" + typed[2:], region) if typed.startswith("00") else None
    number = abroad or _mobile_number(typed, region)
    return [number] if number else [Unusable(reason) for reason in REASONS]


def _mobile_number(typed, region):
    try:
        parsed = phonenumbers.parse(typed, region)
    except phonenumbers.NumberParseException:
        return None
    kinds = {
        phonenumbers.PhoneNumberType.MOBILE: "mobile",
        phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_or_mobile",
    }
    kind = kinds.get(phonenumbers.number_type(parsed))
    if kind is None or not phonenumbers.is_valid_number(parsed):
        return None
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return Number(e164, phonenumbers.region_code_for_number(parsed), kind)
