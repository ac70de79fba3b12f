"""SMPP as bytes: exact, and unmoved by hostile ones."""

import pytest
import smpp34
from hypothesis import given
from hypothesis import strategies as st

from messaging.channels.types.smpp import pdu

addresses = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=20)
octets = st.binary(max_size=65_535)


def test_a_submit_is_the_bytes_of_the_specification():
    message = pdu.Message(
        source="SIGN", destination="447700900123", text=b"Hi", source_ton=5, registered_delivery=1,
        tlvs={pdu.USER_MESSAGE_REFERENCE: b"\x00\x2a"},
    )  # fmt: skip

    assert pdu.encode_message(message) == (
        b"\0" b"\x05\x00SIGN\0" b"\x01\x01447700900123\0" b"\0\0\0" b"\0" b"\0" b"\x01\0\0\0\x02" b"Hi"
        b"\x02\x04\x00\x02\x00\x2a"
    )  # fmt: skip


def test_a_bind_is_the_bytes_of_the_specification():
    assert pdu.encode_bind(pdu.Bind("demo", "secret")) == b"demo\0secret\0\0\x34\0\0\0"


@given(addresses, addresses, octets, st.dictionaries(st.integers(0, 0x0423), st.binary(max_size=40), max_size=3))
def test_what_is_encoded_is_what_is_decoded(source, destination, text, tlvs):
    message = pdu.Message(source=source, destination=destination, text=text, tlvs=tlvs)

    decoded = pdu.decode_message(pdu.encode_message(message))

    assert decoded._replace(tlvs={}) == message._replace(tlvs={})
    assert {tag: value for tag, value in decoded.tlvs.items() if tag != pdu.MESSAGE_PAYLOAD} == tlvs


def test_a_long_text_travels_as_payload():
    body = pdu.encode_message(pdu.Message(destination="1", text=b"x" * 300))

    assert b"\x04\x24\x01\x2c" + b"x" * 300 in body
    assert pdu.decode_message(body).text == b"x" * 300


WHOLE = pdu.encode_message(pdu.Message("SIGN", "447700900123", b"Hello", tlvs={pdu.USER_MESSAGE_REFERENCE: b"\0*"}))


@pytest.mark.parametrize(
    ("_case", "body"),
    [
        ("nothing", b""),
        ("no NUL anywhere", b"\xff" * 200),
        ("an address without end", b"\0\1\1" + b"4" * 80 + b"\0" * 40),
        ("sm_length past the end", pdu.encode_message(pdu.Message(text=b"Hello"))[:-1]),
        ("a parameter without length", WHOLE + b"\x04\x24"),
        ("a parameter longer than the PDU", WHOLE + b"\x04\x24\xff\xff" + b"x" * 10),
        *((f"cut after {at}", WHOLE[:at]) for at in range(len(WHOLE) - 6)),
    ],
)
def test_a_broken_message_is_a_protocol_error(_case, body):
    with pytest.raises(pdu.ProtocolError):
        pdu.decode_message(body)


@pytest.mark.parametrize(
    ("_case", "body"),
    [
        ("nothing", b""),
        ("no NUL", b"x" * 500),
        ("a name beyond 15", b"n" * 16 + b"\0p\0\0\x34\0\0\0"),
        ("a password beyond 8", b"n\0" + b"p" * 9 + b"\0\0\x34\0\0\0"),
    ],
)
def test_a_broken_bind_is_a_protocol_error(_case, body):
    with pytest.raises(pdu.ProtocolError):
        pdu.decode_bind(body)


@given(octets)
def test_no_bytes_break_the_decoders(body):
    for decode in (pdu.decode_message, pdu.decode_bind, pdu.decode_message_id):
        try:
            decode(body)
        except pdu.ProtocolError as error:
            assert error.status


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=4))
def test_no_damage_to_a_good_message_breaks_the_decoder(at, damage):
    try:
        pdu.decode_message(WHOLE[:at] + damage + WHOLE[at + len(damage) :])
    except pdu.ProtocolError as error:
        assert error.status


def test_a_nul_cannot_be_smuggled_into_an_address():
    with pytest.raises(ValueError, match="NUL"):
        pdu.encode_message(pdu.Message(source="a\0b", destination="1"))


def test_an_independent_library_reads_what_we_write():
    message = pdu.Message(
        "SIGN", "447700900123", b"Hello", 8, 5, registered_delivery=1, tlvs={pdu.USER_MESSAGE_REFERENCE: b"\0*"}
    )

    read = smpp34.decode(pdu.frame(pdu.SUBMIT_SM, 0, 7, pdu.encode_message(message)))

    assert (read.source_addr, read.source_addr_ton, read.destination_addr) == ("SIGN", 5, "447700900123")
    assert (read.short_message, read.data_coding, read.registered_delivery) == (b"Hello", 8, 1)
    assert [(tlv.tag, tlv.as_int()) for tlv in read.tlvs] == [(pdu.USER_MESSAGE_REFERENCE, 42)]


def test_we_read_what_an_independent_library_writes():
    theirs = smpp34.DeliverSm(
        "447700900123", "SIGN", b"id:7 stat:DELIVRD", esm_class=4, tlvs=[smpp34.Tlv(pdu.MESSAGE_STATE, b"\2")]
    )

    read = pdu.decode_message(theirs.encode()[16:])

    assert (read.source, read.destination, read.text) == ("447700900123", "SIGN", b"id:7 stat:DELIVRD")
    assert read.is_receipt
    assert read.tlvs == {pdu.MESSAGE_STATE: b"\2"}


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(1, "000000000001000R"), (90_061, "000001010101000R"), (0, "000000000001000R"), (10**9, "000099000000000R")],
)
def test_a_validity_is_relative_time(seconds, written):
    assert pdu.relative_time(seconds) == written


def test_a_status_is_named_as_manuals_name_it():
    assert pdu.status_text(0x58) == "0x00000058 (throttled)"
    assert pdu.status_text(0x400) == "0x00000400"
