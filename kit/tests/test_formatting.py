"""How amounts, rates, numbers to call and spans are written."""

from datetime import timedelta

import phonenumbers
import pytest
from django.utils import timezone, translation
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from kit import formatting


@pytest.mark.parametrize(
    ("_case", "micros", "currency", "written"),
    [
        ("pounds", 1_403_090_000, "GBP", "£1,403.09"),
        ("yuan", 126_400_000, "CNY", "¥126.40"),
        ("Hong Kong dollars", 5_000_000, "HKD", "HK$5.00"),
        ("no sign of its own", 5_000_000, "SEK", "SEK 5.00"),
        ("negative", -141_980_000, "USD", "−$141.98"),
        ("half to even, down", 5_000, "EUR", "€0.00"),
        ("half to even, up", 15_000, "EUR", "€0.02"),
        ("a negative that rounds to nothing has no minus", -1_000, "EUR", "€0.00"),
        ("beyond a float's digits", 90_071_992_547_409_930_000, "SGD", "S$90,071,992,547,409.93"),
        ("unknown is not zero", None, "GBP", "—"),
    ],
)
def test_money_is_written_with_sign_and_two_decimals(_case, micros, currency, written):
    assert formatting.format_money(micros, currency) == written


def test_the_price_of_a_segment_has_four_decimals():
    assert formatting.format_unit_price(29_100, "GBP") == "£0.0291"


@pytest.mark.parametrize(
    ("_case", "part", "whole", "written"),
    [
        ("one decimal", 7_961, 12_840, "62.0%"),
        ("all", 5, 5, "100.0%"),
        ("nothing to take a part of", 0, 0, "—"),
        ("unknown", None, 10, "—"),
    ],
)
def test_a_percentage_needs_a_whole(_case, part, whole, written):
    assert formatting.format_percent(part, whole) == written


@pytest.mark.parametrize(
    ("_case", "delivered", "failed", "rate", "tone"),
    [
        ("good", 9_841, 159, "98.4%", "ok"),
        ("below the target", 950, 50, "95.0%", "warn"),
        ("far below", 800, 200, "80.0%", "bad"),
        ("too few to colour", 100, 99, "50.3%", ""),
        ("none finished", 0, 0, "—", ""),
    ],
)
def test_a_delivery_rate_counts_finished_messages_and_is_coloured_by_volume(_case, delivered, failed, rate, tone):
    assert formatting.delivery_rate(delivered, failed) == rate
    assert formatting.delivery_tone(delivered, failed) == tone


@pytest.mark.parametrize(
    ("_case", "number", "masked"),
    [
        ("british", "+447700900113", "+44 7700 900••3"),
        ("chinese", "+8613800132071", "+86 138 0013 2••1"),
        ("short code", "10086", "10086"),
        ("short code with a plus", "+10086", "+1 0086"),
        ("no such calling code", "+9990012345678", "+9990012345••8"),
        ("italian", "+390612345678", "+39 06 1234 5••8"),
        ("not a number", "anonymous", "anonymous"),
    ],
)
def test_numbers_are_masked_but_recognisable(_case, number, masked):
    assert formatting.mask_phone(number) == masked


def test_a_stored_number_is_written_as_one_that_was_typed():
    for region in phonenumbers.SUPPORTED_REGIONS:
        for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.VOIP):
            if typed := phonenumbers.example_number_for_type(region, kind):
                stored = phonenumbers.format_number(typed, PhoneNumberFormat.E164)

                read = phonenumbers.parse(stored, None)

                assert formatting.spaced_phone(stored) == phonenumbers.format_number(
                    read, PhoneNumberFormat.INTERNATIONAL
                )


@pytest.mark.parametrize("stored", ["+112125551234", "+784951234567", "+3708612345678", "+559011991234567"])
def test_a_national_prefix_left_in_a_stored_number_stays_visible(stored):
    assert formatting.spaced_phone(stored).replace(" ", "").replace("-", "") == stored


@pytest.mark.parametrize(
    ("_case", "seconds", "written"),
    [
        ("now", 1, "just now"),
        ("seconds", 30.5, "30 seconds ago"),
        ("minutes", 185, "3\xa0minutes ago"),
        ("a day", 90_000, "1\xa0day ago"),
    ],
)
def test_ago_is_said_in_one_unit(_case, seconds, written):
    with translation.override("en"):
        assert formatting.ago(timezone.now() - timedelta(seconds=seconds)) == written


def test_never_is_a_dash():
    assert formatting.ago(None) == formatting.moment(None) == formatting.took(None) == "—"


@pytest.mark.parametrize(
    ("milliseconds", "written"),
    [(29.4, "29 ms"), (1_322, "1.3 s"), (250_000, "4 min 10 s"), (7_260_000, "2 h 1 min")],
)
def test_spans_are_written_as_a_person_reads_them(milliseconds, written):
    with translation.override("en"):
        assert formatting.took(milliseconds) == written
