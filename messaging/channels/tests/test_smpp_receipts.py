"""What carriers say, in words and in parameters."""

from dataclasses import astuple
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.channels.types.base import ParsedInbound, ParsedReceipt
from messaging.channels.types.smpp import pdu
from messaging.channels.types.smpp.receipts import STATUSES, parse_inbound, parse_receipt


def receipt(words, **tlvs):
    return pdu.Message(
        source="447700900123", destination="SIGN", text=words.encode("latin-1"), source_ton=1, esm_class=4,
        tlvs={getattr(pdu, name): value for name, value in tlvs.items()},
    )  # fmt: skip


def test_a_receipt_in_words_is_read_whole():
    words = "id:a1-7F sub:001 dlvrd:001 submit date:2611221200 done date:261122120105 stat:UNDELIV err:027 text:Hello"

    assert parse_receipt(receipt(words)) == ParsedReceipt(
        reference="a1-7F", state="undelivered", error_code="027", at=datetime(2026, 11, 22, 12, 1, 5, tzinfo=UTC),
        recipient="+447700900123", sender="SIGN",
    )  # fmt: skip


def test_parameters_win_over_words():
    news = receipt(
        "id:other stat:UNDELIV err:001",
        RECEIPTED_MESSAGE_ID=b"a1\0", MESSAGE_STATE=b"\2", USER_MESSAGE_REFERENCE=b"\0*",
    )  # fmt: skip

    read = parse_receipt(news)

    assert (read.reference, read.state, read.user_message_reference) == ("a1", "delivered", 42)


@pytest.mark.parametrize(("word", "state"), STATUSES.items())
def test_the_carriers_words_are_ours(word, state):
    assert parse_receipt(receipt(f"id:1 stat:{word} err:000")).state == state
    assert parse_receipt(receipt(f"ID:1 STAT:{word.lower()} ERR:000")).state == state


@pytest.mark.parametrize(
    ("_case", "words"),
    [
        ("a word nobody taught us", "id:1 stat:TELEPORTED err:000"),
        ("a carrier that does not know", "id:1 stat:UNKNOWN err:000"),
        ("no state", "id:1"),
        ("no reference", "stat:DELIVRD"),
        ("nothing", ""),
        ("an unknown number", None),
    ],
)
def test_what_we_do_not_understand_is_not_guessed(_case, words):
    news = receipt(words) if words is not None else receipt("id:1 stat:DELIVRD", MESSAGE_STATE=b"\x63")

    assert parse_receipt(news) is None


def test_the_text_of_the_message_cannot_speak_for_the_carrier():
    words = "id:1 stat:UNDELIV err:001 text:id:2 stat:DELIVRD err:000"

    read = parse_receipt(receipt(words))

    assert (read.reference, read.state, read.error_code) == ("1", "undelivered", "001")


def test_the_first_word_counts_when_the_text_has_no_label():
    read = parse_receipt(receipt("id:1 stat:UNDELIV err:001 stat:DELIVRD"))

    assert read.state == "undelivered"


def test_our_own_reference_is_enough():
    read = parse_receipt(receipt("stat:DELIVRD", USER_MESSAGE_REFERENCE=b"\x01\x00"))

    assert (read.reference, read.user_message_reference) == ("", 256)


def test_a_nul_in_a_word_is_dropped_because_no_table_can_hold_it():
    read = parse_receipt(receipt("id:a\x00b stat:DELIVRD err:00\x000"))

    assert (read.reference, read.error_code) == ("ab", "000")


def test_an_impossible_date_costs_nothing_else():
    read = parse_receipt(receipt("id:1 done date:9999999999 stat:DELIVRD"))

    assert (read.state, read.at) == ("delivered", None)


@given(st.binary(max_size=300), st.dictionaries(st.integers(0, 0xFFFF), st.binary(max_size=9), max_size=4))
def test_no_bytes_break_the_reading_of_news(octets, tlvs):
    message = pdu.Message(source="1", destination="2", text=octets, tlvs=tlvs)

    said = [parse_receipt(message), parse_inbound(message)]

    for value in (value for read in said if read for value in astuple(read) if isinstance(value, str)):
        assert "\0" not in value
        value.encode("utf-8")


def test_a_text_from_a_handset_is_read():
    message = pdu.Message("447700900123", "80800", "停止".encode("utf-16-be"), 8, source_ton=1, destination_ton=3)

    assert parse_inbound(message) == ParsedInbound("+447700900123", "80800", "停止")
