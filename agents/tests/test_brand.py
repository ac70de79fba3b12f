import struct
import zlib
from contextlib import suppress

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.template import Context, Template
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AuditEntry, Brand
from accounts.tests.factories import make_agent, make_customer, signed_in
from agents.queries import brand_for_host
from agents.rules.brand import DARK_GROUNDS, LIGHT_GROUNDS, WHITE, adjustment, brand_css, dark_shades, light_shades
from agents.rules.colours import contrast, oklch, to_hex
from agents.rules.logo import MOST_BYTES, NotALogo, read_logo

colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


# --- colour


@given(colours)
def test_any_colour_gives_a_theme_people_can_read(colour):
    for shades, grounds in ((light_shades(colour), LIGHT_GROUNDS), (dark_shades(colour), DARK_GROUNDS)):
        assert contrast(shades.brand, WHITE) >= 4.5
        assert contrast(shades.brand_hover, WHITE) >= 4.5
        assert min(contrast(shades.brand_text, ground) for ground in (*grounds, shades.brand_soft)) >= 4.5
        assert contrast(shades.brand, grounds[0]) >= 3


@given(colours)
def test_rules_come_through_escaping_unchanged(colour):
    css = brand_css(colour)

    assert Template("{{ css }}").render(Context({"css": css})) == css
    assert not set(css) & set("<>\"'&\\")


@given(colours)
def test_a_colour_that_can_be_read_is_left_alone(colour):
    change = adjustment(colour)

    assert change.is_changed == (contrast(colour, WHITE) < 4.5)
    assert change.after >= 4.5


@given(colours)
def test_a_colour_survives_the_way_to_oklch_and_back(colour):
    there_and_back = to_hex(oklch(colour))

    assert all(abs(int(colour[at : at + 2], 16) - int(there_and_back[at : at + 2], 16)) <= 1 for at in (1, 3, 5))


@pytest.mark.parametrize(
    "colour", ["", "red", "#fff", "#12345g", "#123456;}body{display:none", "#１２３４５６", "#ABCDEF", "#123456\n"]
)
def test_nothing_but_a_colour_becomes_css(colour):
    with pytest.raises(ValueError, match="not a colour"):
        brand_css(colour)


@pytest.mark.parametrize(
    "_case, colour, ground, expected",
    [
        ("most", "#000000", "#ffffff", 21.0),
        ("least", "#777777", "#777777", 1.0),
        ("known", "#0e8f89", "#ffffff", 3.96),
    ],
)
def test_contrast_is_what_wcag_says(_case, colour, ground, expected):
    assert round(contrast(colour, ground), 2) == expected


# --- logo


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int = 256, height: int = 256, *, tail: bytes = b"", body: bytes = b"") -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(body or b"\0" * 64))
    return b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b"") + tail


def jpeg(width: int = 256, height: int = 256) -> bytes:
    size = struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0"
    return (
        b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
        + b"\xff\xc0" + struct.pack(">H", 2 + len(size)) + size
        + b"\xff\xda\0\x08\1\1\0\0\x3f\0" + b"\0" * 40 + b"\xff\xd9"
    )  # fmt: skip


def webp(width: int = 256, height: int = 256) -> bytes:
    body = (
        b"VP8X"
        + struct.pack("<I", 10)
        + b"\0" * 4
        + (width - 1).to_bytes(3, "little")
        + (height - 1).to_bytes(3, "little")
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


@pytest.mark.parametrize(
    "picture, media_type",
    [(png(300, 200), "image/png"), (jpeg(300, 200), "image/jpeg"), (webp(300, 200), "image/webp")],
)
def test_a_picture_is_known_by_its_bytes(picture, media_type):
    logo = read_logo(picture)

    assert (logo.media_type, logo.width, logo.height) == (media_type, 300, 200)


HOSTILE = [
    ("nothing", b"", "unknown_format"),
    ("a page", b"<html><script>alert(1)</script>", "unknown_format"),
    ("svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "unknown_format"),
    ("gif", b"GIF89a" + b"\0" * 100, "unknown_format"),
    ("a page behind the magic bytes", b"\x89PNG\r\n\x1a\n<script>alert(1)</script>", "damaged"),
    ("a page behind the picture", png(tail=b"<script>alert(1)</script>"), "damaged"),
    ("cut off", png()[:-9], "damaged"),
    ("a changed byte", png()[:30] + b"X" + png()[31:], "damaged"),
    ("nothing but the magic bytes", b"\x89PNG\r\n\x1a\n", "damaged"),
    ("a chunk longer than the file", b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR", "damaged"),
    ("no pixels", b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 99, 99, 8, 0, 0, 0, 0)) + chunk(b"IEND", b""), "damaged"),
    ("too wide to draw", png(60_000, 60_000), "too_big"),
    ("a pixel", png(1, 1), "too_small"),
    ("no size at all", png(0, 300), "too_small"),
    ("heavy", png() + b"\0" * MOST_BYTES, "too_large"),
    ("jpeg without an end", jpeg()[:-2], "damaged"),
    ("jpeg of nothing but marks", b"\xff\xd8\xff" * 30 + b"\xff\xd9", "damaged"),
    ("jpeg without a size", b"\xff\xd8\xff\xe0\0\x04ab\xff\xda\0\x02\xff\xd9", "damaged"),
    ("jpeg of endless empty segments", b"\xff\xd8\xff\xe0\0\0" + b"\xff\xd9", "damaged"),
    ("webp that lies about its length", webp() + b"x", "damaged"),
    ("webp of nothing", b"RIFF\x04\0\0\0WEBP", "damaged"),
]  # fmt: skip


@pytest.mark.parametrize("_case, data, problem", HOSTILE)
def test_what_is_no_usable_picture_is_refused(_case, data, problem):
    with pytest.raises(NotALogo) as refused:
        read_logo(data)

    assert refused.value.problem == problem


@given(st.binary(max_size=400), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP"]))
def test_no_bytes_break_the_reader(data, start):
    with suppress(NotALogo):
        read_logo(start + data)


# --- the page


LOOK = {
    "name": "Harbourline",
    "colour": "#0e8f89",
    "host": "sms.harbourline.example",
    "support_email": "help@harbourline.example",
}


def publish(client, **changes):
    return client.post(reverse("agents:brand"), {**LOOK, **changes})


@pytest.mark.django_db
def test_a_brand_shows_under_its_host_name_and_no_other():
    agent = make_agent()

    answer = publish(signed_in(agent), logo=SimpleUploadedFile("logo.svg", png(), content_type="image/svg+xml"))

    assert answer.status_code == 302
    look = brand_for_host("SMS.harbourline.example:8443")
    assert (look.name, look.support_email) == ("Harbourline", "help@harbourline.example")
    assert look.css == brand_css("#0e8f89")
    assert brand_for_host("other.example") is None
    assert Brand.objects.get(organisation=agent).logo_type == "image/png"
    assert AuditEntry.objects.get(action="brand.published").after["host"] == "sms.harbourline.example"


@pytest.mark.django_db
def test_the_sign_in_page_wears_the_brand_of_its_host_name(client):
    publish(signed_in(make_agent()), logo=SimpleUploadedFile("logo.png", png()))

    branded = client.get(reverse("account_login"), headers={"host": "sms.harbourline.example"}).content.decode()
    plain = client.get(reverse("account_login"), headers={"host": "other.example"}).content.decode()

    assert "Harbourline" in branded
    assert brand_css("#0e8f89") in branded
    assert reverse("site:logo") in branded
    assert "Harbourline" not in plain


@pytest.mark.django_db
def test_the_public_logo_is_served_by_host_as_a_picture_and_nothing_else(client):
    publish(signed_in(make_agent()), logo=SimpleUploadedFile("logo.png", png()))
    address = brand_for_host("sms.harbourline.example").logo_url

    answer = client.get(address, headers={"host": "sms.harbourline.example"})

    assert answer.content == png()
    assert answer["Content-Type"] == "image/png"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "max-age=" in answer["Cache-Control"]
    assert client.get(address, headers={"host": "other.example"}).status_code == 404


@pytest.mark.django_db
def test_a_hostile_logo_changes_nothing():
    client = signed_in(make_agent())

    for _case, data, _problem in HOSTILE[1:]:
        answer = publish(client, logo=SimpleUploadedFile("logo.png", data, content_type="image/png"))
        assert list(answer.context["form"].errors) == ["logo"]

    assert not Brand.objects.exists()


UNUSABLE = [
    ("host", "localhost"), ("host", "127.0.0.1"), ("host", "::1"), ("host", "sms"), ("host", "a..b"),
    ("host", "<script>"), ("host", "x" * 300), ("colour", "red"), ("colour", "#12345"), ("colour", "#123456}body{"),
    ("name", " "), ("support_email", "no"),
]  # fmt: skip


@pytest.mark.django_db
def test_an_unusable_part_of_a_brand_is_named():
    client = signed_in(make_agent())

    for field, value in UNUSABLE:
        assert list(publish(client, **{field: value}).context["form"].errors) == [field]

    assert not Brand.objects.exists()


@pytest.mark.django_db
def test_nobody_takes_the_houses_own_host_name(settings):
    settings.BASE_URL = "https://console.signalbox.example"
    settings.ALLOWED_HOSTS = ["testserver", "console.signalbox.example", "api.signalbox.example", ".example"]

    for host in ("console.signalbox.example", "API.signalbox.example."):
        answer = publish(signed_in(make_agent()), host=host)
        assert answer.context["form"].errors["host"]


@pytest.mark.django_db
def test_a_host_name_belongs_to_one_agent():
    publish(signed_in(make_agent()))

    answer = publish(signed_in(make_agent()), host="SMS.Harbourline.example")

    assert answer.context["form"].errors["host"]
    assert Brand.objects.count() == 1


@pytest.mark.django_db
def test_a_logo_stays_until_it_is_removed():
    agent = make_agent()
    client = signed_in(agent)
    publish(client, logo=SimpleUploadedFile("logo.png", png()))
    publish(client, name="Harbourline Ltd")
    assert client.get(reverse("agents:own_logo")).content == png()

    publish(client, remove_logo="on")

    assert client.get(reverse("agents:own_logo")).status_code == 404


@pytest.mark.django_db
def test_a_colour_is_shown_before_and_after(client):
    answer = signed_in(make_agent()).get(reverse("agents:palette"), {"colour": "#0E8F89"})

    assert "4.0:1 on white" in answer.content.decode()
    assert adjustment("#0e8f89").used in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("colour", ["", "javascript:", "#12", "</style><script>", "\x00"])
def test_an_unusable_colour_is_shown_as_the_standard_one(colour):
    answer = signed_in(make_agent()).get(reverse("agents:palette"), {"colour": colour})

    assert answer.status_code == 200
    assert "<script" not in answer.content.decode()


@pytest.mark.django_db
def test_the_previews_theme_touches_the_preview_alone():
    client = signed_in(make_agent())

    answer = client.get(reverse("agents:palette_css", args=["0e8f89"]))

    assert answer["Content-Type"] == "text/css"
    assert f"--brand:{adjustment('#0e8f89').used}" in answer.content.decode()
    assert ":root" not in answer.content.decode()
    for digits in ("red", "0E8F89", "123456}body{", "0e8f89;"):
        assert client.get(reverse("agents:palette_css", args=[digits])).status_code == 404


@pytest.mark.django_db
def test_a_customer_has_no_brand_page():
    client = signed_in(make_customer())

    assert {client.get(reverse(f"agents:{name}")).status_code for name in ("brand", "palette", "own_logo")} == {404}
