"""Texts as octets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.channels.types.smpp import text


@pytest.mark.parametrize(
    ("written", "octets"),
    [
        ("Hello", b"Hello"),
        ("@£$¥èéùì", b"\x00\x01\x02\x03\x04\x05\x06\x07"),
        ("€[]{}\\^~|", b"\x1be\x1b<\x1b>\x1b(\x1b)\x1b/\x1b\x14\x1b=\x1b\x40"),
        ("_ΔΦ", b"\x11\x10\x12"),
        ("Ñüà", b"\x5d\x7e\x7f"),
        ("a\nb\r", b"a\nb\r"),
    ],
)
def test_gsm7_is_one_octet_a_septet_with_its_extension_table(written, octets):
    assert text.encode(written, "gsm7") == (0, octets)
    assert text.decode(octets, 0) == written


@pytest.mark.parametrize(
    ("octets", "read"),
    [
        (b"\x1b", ""),
        (b"a\x1b", "a"),
        (b"\x1ba", "a"),
        (b"\x1b\x1be", "€"),
        (b"\xffa", "\ufffda"),
        (b"\x1b\xff", "\ufffd"),
    ],
)
def test_octets_that_are_no_gsm7_are_read_all_the_same(octets, read):
    assert text.decode(octets, 0) == read


@pytest.mark.parametrize("character", ["`", "\x1b", "\x00", "\t", "ç", "中", "😀", "\udfff"])
def test_a_character_outside_gsm7_is_refused_and_not_lost(character):
    with pytest.raises(text.Unencodable):
        text.encode(f"a{character}", "gsm7")


@pytest.mark.parametrize(
    ("written", "octets"),
    [("验证码", b"\x9a\x8c\x8b\xc1\x78\x01"), ("😀", b"\xd8\x3d\xde\x00"), ("aé", b"\x00a\x00\xe9")],
)
def test_ucs2_is_big_endian_with_surrogates(written, octets):
    assert text.encode(written, "ucs2") == (8, octets)
    assert text.decode(octets, 8) == written


def test_half_a_character_is_refused():
    with pytest.raises(text.Unencodable):
        text.encode("\ud83d", "ucs2")


@given(st.binary(max_size=300), st.integers(0, 255))
def test_whatever_a_carrier_sends_is_read_as_storable_text(octets, data_coding):
    said = text.decode(octets, data_coding)

    assert "\0" not in said
    said.encode("utf-8")


def test_a_user_data_header_is_not_text():
    assert text.without_header(b"\x05\x00\x03\x2a\x02\x01Hello") == b"Hello"
    assert text.without_header(b"") == b""
    assert text.without_header(b"\xffHello") == b""
