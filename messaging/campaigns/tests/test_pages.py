"""The wizard and the live page, from upload to sent, as a person's browser asks for them."""

import csv
import io
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.rules.permissions import Role
from accounts.tests.factories import signed_in
from billing.ledger.models import Account
from billing.ledger.tests.factories import fund
from kit.money import money
from messaging.campaigns import tasks
from messaging.campaigns.batches import accept_next_batch
from messaging.campaigns.minutes import minutes_of
from messaging.campaigns.models import Campaign, CampaignMinute, RecipientFile
from messaging.campaigns.tests.factories import SAMPLES, make_draft, make_started, make_world, people
from messaging.campaigns.views import confirming
from messaging.engine.models import Message
from messaging.engine.states import Status

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}
AS_FOUND = {"delimiter": ",", "encoding": "auto"}


def url(name: str, *args) -> str:
    return reverse(f"messaging:{name}", args=args)


def page(response) -> str:
    return response.content.decode()


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def client(world) -> Client:
    return signed_in(world.customer, Role.SENDER)


@pytest.fixture
def bells(django_capture_on_commit_callbacks):
    """A block after which everything that was rung for has happened."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def send_file(client: Client, bells, content: bytes | str, *, name="list.csv", region="GB"):
    content = content.encode() if isinstance(content, str) else content
    with bells():
        return client.post(
            url("campaign_new"), {"file": SimpleUploadedFile(name, content), "default_region": region}
        )  # fmt: skip


def message_data(world, **changes) -> dict:
    data = {
        "name": "Autumn",
        "version": str(world.wording.id),
        "sender": str(world.sender.pk),
        "column_name": "name",
        "fixed_name": "",
        "action": "continue",
    }
    return data | changes


def test_from_upload_to_sent(world, client, bells):
    assert "No campaigns yet" in page(client.get(url("campaigns")))
    response = send_file(client, bells, people(3, first=10) + "12,Short\n")
    campaign = Campaign.objects.get()
    assert response.url == url("send_recipients", campaign.pk)

    shown = page(client.get(response.url))
    assert "Continue with 3" in shown
    assert "Too few digits" in shown

    message_url = url("send_message", campaign.pk)
    shown = page(client.get(message_url))
    assert "Hello Person 10, it is ready." in shown
    response = client.post(message_url, message_data(world))
    assert response.url == url("send_schedule", campaign.pk)

    response = client.post(response.url, {"when": "now"})
    assert response.url == url("send_review", campaign.pk)
    shown = page(client.get(response.url))
    assert "£0.12" in shown
    assert "£9.88" in shown

    with bells():
        response = client.post(response.url)
    assert response.url == url("campaign", campaign.pk)
    tasks.sweep_campaigns()

    shown = page(client.get(response.url))
    assert "100%" in shown
    assert "3 of 3 handed to carriers" in shown
    assert "hx-get" not in shown.partition('id="live"')[2].partition(">")[0], "what has ended is not polled"
    campaign.refresh_from_db()
    assert (campaign.status, campaign.name) == ("sent", "Autumn")
    assert "Autumn" in page(client.get(url("campaigns")))
    rows = list(
        csv.reader(io.StringIO(client.get(url("campaign_results", campaign.pk)).getvalue().decode("utf-8-sig")))
    )
    assert [row[3] for row in rows[1:]] == ["Delivered"] * 3
    assert rows[1][1] == "'+44 7400 100••0", "masked for who may not see it, and no formula"


def test_whole_numbers_in_the_results_are_recorded(world, client):
    campaign = make_started(world)
    results = url("campaign_results", campaign.pk)

    assert b"100\xe2\x80\xa2\xe2\x80\xa20" in client.get(results).getvalue()
    assert not AuditEntry.objects.filter(action="campaign.exported").exists()

    assert b"+447400100000" in signed_in(world.customer, Role.OWNER).get(results).getvalue()
    entry = AuditEntry.objects.get(action="campaign.exported")
    assert (entry.organisation, entry.target_id) == (world.customer, str(campaign.pk))


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


def test_the_preview_steps_through_real_recipients_the_longest_first(world, client):
    draft = make_draft(world, "phone,name\n07400123456,Ada\n07400123457,%s\n07400123458,Bob\n" % ("Wilhelmina " * 3))
    asked = message_data(world, to="1")

    texts = [page(client.get(url("send_message", draft.pk), asked | {"to": place}, **HTMX)) for place in (1, 2, 3)]

    assert [name for text, name in zip(texts, ("Wilhelmina", "Ada", "Bob"), strict=True) if f"Hello {name}" in text] == [
        "Wilhelmina",
        "Ada",
        "Bob",
    ]  # fmt: skip
    assert "+44 7400 123••7" in texts[0]


def test_values_that_are_missing_are_shown_before_sending(world, client):
    draft = make_draft(world, "phone,name\n07400123456,Ada\n07400123457,\n")

    shown = page(client.get(url("send_message", draft.pk)))
    assert "1 row: “name” is empty" in shown

    mended = page(client.get(url("send_message", draft.pk), message_data(world, fixed_name="friend")))
    assert "“name” is empty" not in mended
    assert draft.estimate["unusable"] == 1, "looking changes nothing"


def test_a_variable_without_a_value_is_blamed_where_it_can_be_mended(world, client):
    draft = make_draft(world)

    response = client.post(url("send_message", draft.pk), message_data(world, column_name="", fixed_name=""))

    assert response.status_code == 422
    assert "needs a column or a text" in page(response)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "x"},
        {"sender": ""},
        {"name": ""},
        {"column_name": "nope"},
        {"fixed_name": "x" * 501},
        {"name": "a\x00b"},
    ],
)
def test_choices_that_are_not_offered_are_refused(world, client, changes):
    draft = make_draft(world)

    response = client.post(url("send_message", draft.pk), message_data(world, **changes))

    assert response.status_code == 422
    draft.refresh_from_db()
    assert draft.variable_columns == {"name": "name"}


def test_a_time_is_in_the_organisations_zone(world, client):
    world.customer.time_zone = "Asia/Shanghai"
    world.customer.save()
    draft = make_draft(world)

    client.post(url("send_schedule", draft.pk), {"when": "later", "starts_at": "2099-01-01T08:00"})
    draft.refresh_from_db()
    assert draft.starts_at.isoformat() == "2099-01-01T00:00:00+00:00"
    assert "Asia/Shanghai" in page(client.get(url("send_review", draft.pk)))

    for wrong in ({"when": "later"}, {"when": "later", "starts_at": "2001-01-01T08:00"}, {"when": "x"}, {}):
        assert client.post(url("send_schedule", draft.pk), wrong).status_code == 422
    draft.refresh_from_db()
    assert draft.starts_at.year == 2099

    client.post(url("send_review", draft.pk))
    draft.refresh_from_db()
    assert draft.status == "scheduled"
    assert "Starts" in page(client.get(url("campaign", draft.pk)))


def test_a_balance_that_does_not_reach_shows_what_is_missing_and_keeps_the_draft(client, world):
    draft = make_draft(world, count=4)
    Account.objects.filter(organisation=world.customer, kind="wallet").update(balance=money("0.10"))

    shown = page(client.get(url("send_review", draft.pk)))
    assert "The wallet is £0.06 short" in shown
    response = client.post(url("send_review", draft.pk))

    assert response.status_code == 402
    assert reverse("billing:top_up") in page(response)
    draft.refresh_from_db()
    assert draft.status == "draft"
    fund(world.customer, "1.00")
    assert client.post(url("send_review", draft.pk)).url == url("campaign", draft.pk)


def test_many_recipients_have_to_be_counted_by_whoever_sends(world, client, monkeypatch):
    monkeypatch.setattr(confirming, "TYPE_THE_NUMBER", 2)
    draft = make_draft(world)

    assert client.post(url("send_review", draft.pk), {"count": "2"}).status_code == 422
    assert client.post(url("send_review", draft.pk), {"count": " 3 "}).url == url("campaign", draft.pk)


def test_pausing_resuming_and_stopping_from_the_page(world, client, bells):
    campaign = make_started(world)
    with world.customer.scope():
        accept_next_batch(campaign_id=campaign.pk)

    shown = page(client.get(url("campaign", campaign.pk)))
    assert "If you pause" in shown
    client.post(url("campaign_pause", campaign.pk))
    assert "Paused" in page(client.get(url("campaign", campaign.pk)))
    client.post(url("campaign_resume", campaign.pk))
    assert "can't be undone" in page(client.get(url("campaign_cancel", campaign.pk)))
    with bells():
        client.post(url("campaign_cancel", campaign.pk))

    campaign.refresh_from_db()
    assert campaign.status == "cancelled"
    assert Message.objects.filter(status=Status.CANCELLED).count() == 3
    again = client.post(url("campaign_pause", campaign.pk), headers={"referer": "http://testserver/campaigns/"})
    assert again.status_code in (302, 303, 409)


def test_the_live_fragment_says_quarters_once(world, client, bells):
    campaign = make_started(world, count=4)
    with world.customer.scope():
        accept_next_batch(campaign_id=campaign.pk)
    world.send(limit=2)

    first = page(client.get(url("campaign", campaign.pk), {"said": "25"}, **HTMX))
    again = page(client.get(url("campaign", campaign.pk), {"said": "50"}, **HTMX))

    assert 'data-say="50% handed to carriers, 0 failed"' in first
    assert "data-say" not in again
    assert "2 of 4 handed to carriers" in first


def note_as_of(moment):
    """Have the sweep look at the campaigns, at another time."""
    tasks.sweep_campaigns()
    CampaignMinute.objects.filter(pk=CampaignMinute.objects.latest("pk").pk).update(
        at=moment.replace(second=0, microsecond=0)
    )


def test_the_lines_count_handed_over_and_delivered_by_minute(world, client):
    campaign = make_started(world, count=4)
    with world.customer.scope():
        accept_next_batch(campaign_id=campaign.pk)
    start = timezone.now().replace(second=30, microsecond=0) - timedelta(minutes=4)
    Campaign.objects.update(started_at=start)

    first, second, *_rest = world.send(limit=3)
    note_as_of(start + timedelta(minutes=1))
    world.report((first, "delivered"), (second, "undelivered"))
    note_as_of(start + timedelta(minutes=2))
    tasks.sweep_campaigns()

    minutes = minutes_of(Campaign.objects.get(pk=campaign.pk))
    assert CampaignMinute.objects.count() == 2, "nothing moved after that"
    assert [(one.handed_over, one.delivered) for one in minutes] == [(0, 0), (3, 0), (0, 1), (0, 0)]
    assert "at most 3 were handed over" in page(client.get(url("campaign_minutes", campaign.pk)))
    assert 'data-chart="lines"' in page(client.get(url("campaign", campaign.pk)))


def test_a_stopped_campaign_says_why_and_what_to_do(world, client):
    campaign = make_started(world)
    Campaign.objects.update(
        status="stopped",
        stop_reason={
            "code": "insufficient_balance",
            "message": "…",
            "details": {"needed": "0.08", "available": "0.04", "currency": "GBP"},
        },
    )

    shown = page(client.get(url("campaign", campaign.pk)))

    assert "0.08 GBP" in shown
    assert "Resume" in shown


def test_a_standing_campaign_is_flagged(world, client):
    campaign = make_started(world)
    with world.customer.scope():
        accept_next_batch(campaign_id=campaign.pk)
    cache.set(f"campaign:pace:{campaign.pk}", [((timezone.now() - timedelta(seconds=90)).timestamp(), 0, 0)])

    assert "Nothing has moved for 9" in page(client.get(url("campaign", campaign.pk)))


PAGES = [
    "campaign", "campaign_pause", "campaign_resume", "campaign_cancel", "campaign_results", "send_recipients",
    "campaign_minutes", "send_file", "send_reading", "send_unusable", "send_message", "send_schedule", "send_review",
]  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_another_tenants_campaign_is_not_found(world, name):
    campaign = make_draft(world)
    stranger = signed_in(make_world().customer)

    assert stranger.get(url(name, campaign.pk)).status_code == 404
    assert stranger.post(url(name, campaign.pk)).status_code in (404, 405)
    campaign.refresh_from_db()
    assert campaign.status == "draft"


@pytest.mark.parametrize("name", PAGES)
def test_a_reader_changes_nothing(world, name):
    campaign = make_started(world)
    reader = signed_in(world.customer, Role.READ_ONLY)

    reader.post(url(name, campaign.pk))

    campaign.refresh_from_db()
    assert campaign.status == "sending"
    assert reader.get(url("campaign", campaign.pk)).status_code == 200
    assert reader.get(url("campaign_new")).status_code == 403


def test_the_list_keeps_its_query_budget(world, client, django_assert_max_num_queries):
    for _ in range(3):
        make_draft(world)
        make_started(world)
    client.get(url("campaigns"))
    with django_assert_max_num_queries(11) as few:
        client.get(url("campaigns"))
    for _ in range(4):
        make_started(world)

    with django_assert_max_num_queries(len(few.captured_queries)):
        client.get(url("campaigns"))


@pytest.mark.parametrize("name", ["campaign", "send_recipients", "send_message", "send_review"])
def test_pages_keep_their_query_budget(world, client, name, django_assert_max_num_queries):
    campaign = make_started(world) if name == "campaign" else make_draft(world, count=30)

    with django_assert_max_num_queries(45):
        assert client.get(url(name, campaign.pk)).status_code == 200
