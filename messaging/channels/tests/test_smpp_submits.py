"""A message as the submits of one carrier: cut where it was counted, written as its options say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.channels.tests.lines import make_outgoing
from messaging.channels.types.smpp import parts, pdu, text
from messaging.channels.types.smpp.config import SmppConfig
from messaging.channels.types.smpp.receipts import parse_inbound
from messaging.channels.types.smpp.submits import Writer
from messaging.content.rules.segments import BASIC, EXTENSION, count_segments

texts = st.text(st.sampled_from(BASIC + EXTENSION), min_size=1, max_size=700) | st.text(
    st.characters(codec="utf-16"), min_size=1, max_size=300
)


def writer(**options):
    return Writer(SmppConfig(host="h", port=1, system_id="s", password="p", **options))


def submits(body, *, reference=0x1234, options=(), **fields):
    size = count_segments(body)
    outgoing = make_outgoing(body=body, encoding=size.encoding, segments=size.segments, reference=reference, **fields)
    return [pdu.decode_message(octets) for octets in writer(**dict(options)).write(outgoing)]


def joined(messages, **reading):
    """What a handset shows, from parts in any order."""
    messages = sorted(messages, key=lambda message: (parts.place_of(message) or (0, 0, 0))[2])
    return "".join(parse_inbound(message, **reading).body for message in messages)


@given(texts)
def test_there_are_as_many_parts_as_segments_were_counted(body):
    body = body.replace("\0", "")

    for way in ("udh8", "sar"):
        assert len(submits(body, options={"long_messages": way})) == count_segments(body).segments


@given(texts, st.sampled_from(parts.WAYS), st.sampled_from(["unpacked", "packed"]), st.booleans())
def test_parts_joined_again_are_the_text(body, way, gsm7, latin1):
    body = body.replace("\0", "").rstrip("\r")  # a CR at the very edge of packed octets is filling
    options = {"long_messages": way, "gsm7": gsm7, "latin1": latin1}

    messages = submits(body, options=options) if body else []

    assert joined(messages, is_packed=gsm7 == "packed") == body
    assert all(len(message.text) <= 160 for message in messages) or way == "payload"


def test_parts_carry_their_place_in_a_header_of_eight_bits():
    messages = submits("x" * 400)

    assert [message.text[:6] for message in messages] == [b"\5\0\3\x34\3" + bytes([number]) for number in (1, 2, 3)]
    assert [len(message.text) for message in messages] == [159, 159, 100]
    assert {message.esm_class for message in messages} == {pdu.HAS_HEADER}
    assert {message.registered_delivery for message in messages} == {1}
    assert {message.user_message_reference for message in messages} == {0x1234}


def test_a_header_of_sixteen_bits_takes_one_unit_more():
    messages = submits("x" * 400, options={"long_messages": "udh16"})

    assert [message.text[:7] for message in messages] == [
        b"\6\x08\4\x12\x34\3" + bytes([number]) for number in (1, 2, 3)
    ]
    assert [len(message.text) for message in messages] == [159, 159, 103]
    assert len(submits("x" * 306, options={"long_messages": "udh16"})) == 3  # and 2 were counted
    assert len(submits("验" * 134, options={"long_messages": "udh16"})) == 3


def test_parameters_may_carry_the_place_instead():
    messages = submits("x" * 200, options={"long_messages": "sar"})

    assert [parts.place_of(message) for message in messages] == [(0x1234, 2, 1), (0x1234, 2, 2)]
    assert [message.text for message in messages] == [b"x" * 153, b"x" * 47]
    assert {message.esm_class for message in messages} == {0}


def test_a_payload_is_one_submit_however_long():
    [message] = submits("验" * 100, options={"long_messages": "payload"})

    assert message.tlvs[pdu.MESSAGE_PAYLOAD] == ("验" * 100).encode("utf-16-be")


@pytest.mark.parametrize(("_case", "body"), [("escape pairs", "€" * 100), ("surrogate pairs", "😀" * 50)])
@pytest.mark.parametrize("way", ["udh8", "udh16", "sar"])
def test_no_pair_is_cut_in_two(_case, body, way):
    messages = submits(body, options={"long_messages": way})

    assert all("\ufffd" not in parse_inbound(message).body for message in messages)
    assert joined(messages) == body


def test_the_header_shares_packed_octets_with_the_text():
    messages = submits("a" * 161, options={"gsm7": "packed"})

    assert [len(message.text) for message in messages] == [6 + 134, 6 + 8]
    assert joined(messages, is_packed=True) == "a" * 161


@pytest.mark.parametrize(
    ("septets", "octets"),
    [("hellohello", "E8329BFD4697D9EC37"), ("1234567", "31D98C56B3DD1A"), ("", ""), ("@", "00")],
)
def test_packing_is_that_of_the_standard(septets, octets):
    packed = text.pack(text.encode_gsm7(septets))

    assert packed.hex().upper() == octets
    assert text.decode_gsm7(text.unpack(packed)) == septets


def test_latin1_is_used_where_every_character_fits():
    assert [(message.data_coding, message.text) for message in submits("Grüße", options={"latin1": True})] == [
        (text.LATIN1, "Grüße".encode("latin-1"))
    ]
    assert submits("5 €", options={"latin1": True})[0].data_coding == text.GSM7
    assert submits("你好", options={"latin1": True})[0].data_coding == text.UCS2


def test_a_carriers_own_data_codings_are_used_and_understood():
    options = {"data_coding_gsm7": 0xF1, "data_coding_ucs2": 0x18}

    assert submits("Hi", options=options)[0].data_coding == 0xF1
    assert submits("你好", options=options)[0].data_coding == 0x18
    odd = pdu.Message("1", "2", "你好".encode("utf-16-be"), data_coding=0x42)
    assert parse_inbound(odd, alphabets={0x42: text.UCS2}).body == "你好"


@pytest.mark.parametrize(
    ("data_coding", "octets", "said"),
    [
        (0x00, b"\x00", "@"), (0x01, b"@", "@"), (0x01, b"5 \x1be", "5 €"), (0x03, b"\xfc", "ü"), (0x08, b"\x4f\x60", "你"),
        (0xF0, b"\x00", "@"), (0xF1, b"\x00", "@"), (0xF5, b"\xfc", "ü"), (0x19, b"\x4f\x60", "你"), (0x10, b"\x00", "@"),
    ],
)  # fmt: skip
def test_a_message_class_does_not_hide_the_alphabet(data_coding, octets, said):
    assert parse_inbound(pdu.Message("1", "2", octets, data_coding)).body == said


def test_addresses_are_of_the_type_the_carrier_wants():
    options = {"source_ton": 0, "source_npi": 9, "destination_ton": 2, "destination_npi": 8}

    [message] = submits("Hi", options=options)

    assert (message.source_ton, message.source_npi, message.destination_ton, message.destination_npi) == (0, 9, 2, 8)


@pytest.mark.parametrize(("validity", "written"), [("relative", "000000010000000R"), ("none", "")])
def test_a_validity_is_told_as_the_carrier_wants_it(validity, written):
    [message] = submits("Hi", options={"validity": validity}, validity_seconds=3_600)

    assert message.validity == written


def test_an_absolute_validity_names_the_instant():
    [message] = submits("Hi", options={"validity": "absolute"}, validity_seconds=3_600)

    assert len(message.validity) == 16
    assert message.validity.endswith("000+")
    assert message.validity[:12].isdecimal()


def test_more_parts_than_a_header_can_count_are_refused():
    with pytest.raises(ValueError, match="255"):
        submits("x" * 153 * 256)


@given(st.binary(max_size=200), st.integers(0, 255), st.booleans())
def test_no_header_breaks_the_reading(octets, esm_class, is_packed):
    message = pdu.Message("1", "2", octets, esm_class=esm_class)

    place = parts.place_of(message)

    assert place is None or 1 <= place.number <= place.total
    assert "\0" not in parse_inbound(message, is_packed=is_packed).body
