"""The wizard's first step: what a file or a pasted list becomes, and why one is refused."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from messaging.campaigns.models import Campaign, RecipientFile
from messaging.campaigns.tests.factories import SAMPLES, make_draft, people
from messaging.campaigns.tests.pages import AS_FOUND, HTMX, page, send_file, url
from messaging.engine.models import Message

pytestmark = pytest.mark.django_db


def test_the_gb18030_sample_through_the_browser(world, client, bells):
    response = send_file(client, bells, (SAMPLES / "recipients-gb18030.csv").read_bytes(), region="CN")

    shown = page(client.get(response.url))

    assert "Continue with 426" in shown
    assert "47 rows can" in shown
    assert "GB18030" in shown
    assert "手机号" in shown
    campaign = Campaign.objects.get()
    report = client.get(url("send_unusable", campaign.pk)).getvalue().decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(report)))
    assert len(rows) == 1 + 47 + 23
    assert ["4", "400-800-1234"] in [row[:2] for row in rows]
    assert sum(row[3] == "duplicate" for row in rows) == 23


def test_numbers_can_be_pasted(client, bells):
    with bells():
        response = client.post(
            url("campaign_new"), {"numbers": "07400 123456\n+86 138 1234 5678", "default_region": "GB"}
        )  # fmt: skip

    assert "Continue with 2" in page(client.get(response.url))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "This is not a list"),
        (b"PK\x03\x04" + b"rubbish" * 99, "The workbook is damaged"),
        ("name,city\nAda,Leeds\n", "No column with phone numbers was found"),
        (b"phone\n0740\x0000123456\n", "This is not a list"),
        ('phone,name\n07400123456,"Ada\n', "A quotation mark in row 2 is never closed"),
    ],
)
def test_hostile_files_are_explained_and_send_nothing(world, client, bells, content, said):
    response = send_file(client, bells, content)
    campaign = Campaign.objects.get()

    shown = page(client.get(response.url))

    assert said in shown
    assert "Continue with" not in shown
    assert client.get(url("send_review", campaign.pk)).url == url("send_recipients", campaign.pk)
    with bells():
        client.post(url("send_review", campaign.pk))
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "Choose a file, or paste phone numbers."),
        ({"numbers": "  "}, "Choose a file, or paste phone numbers."),
        ({"numbers": "07400123456", "default_region": "XX"}, "XX"),
        ({"numbers": "07400\x00123456"}, "Null characters are not allowed."),
        ({"file": SimpleUploadedFile("x.csv", b"")}, "The file is empty"),
    ],
)
def test_a_form_without_a_list_says_so(client, data, said):
    response = client.post(url("campaign_new"), {"default_region": "GB"} | data)

    assert response.status_code == 422
    assert said in page(response)
    assert not RecipientFile.objects.exists()


def test_more_than_allowed_is_refused_and_not_kept(client, settings):
    settings.UPLOAD_LIMIT_BYTES = 10_000
    file = SimpleUploadedFile("big.csv", b"7" * 200_000)

    response = client.post(url("campaign_new"), {"file": file, "default_region": "GB"})

    assert response.status_code == 422
    assert "The file is too large" in page(response)
    assert not RecipientFile.objects.exists()


def test_a_file_that_is_being_read_is_polled_and_shows_how_far(world, client, bells):
    draft = make_draft(world)
    RecipientFile.objects.update(status="reading", rows_read=1234)

    whole = page(client.get(url("send_recipients", draft.pk)))
    fragment = page(client.get(url("send_recipients", draft.pk), **HTMX))

    assert "1,234 rows so far" in whole
    assert '<meta http-equiv="refresh" content="2">' in whole
    assert fragment.startswith('<div class="step-page" id="recipients" hx-get=')


def test_how_it_is_read_can_be_changed(world, client, bells):
    response = send_file(client, bells, "a,b\n07400 123456,07400 123457\n")
    campaign = Campaign.objects.get()

    with bells():
        client.post(
            url("send_reading", campaign.pk),
            {"number_column": "1", "default_region": "GB", "has_header": "yes"} | AS_FOUND,
        )

    campaign.file.refresh_from_db()
    assert campaign.file.mapping == {"number_column": 1}
    assert "Continue with 1" in page(client.get(response.url))
    response = client.post(url("send_reading", campaign.pk), {"number_column": "9", "default_region": "GB"})
    assert response.status_code == 422


def test_another_file_takes_its_place(world, client, bells):
    draft = make_draft(world)

    with bells():
        client.post(
            url("send_file", draft.pk), {"file": SimpleUploadedFile("b.csv", people(7).encode()), "default_region": "GB"}
        )  # fmt: skip

    draft.refresh_from_db()
    assert (draft.file.name, draft.file.tally["valid"]) == ("b.csv", 7)
