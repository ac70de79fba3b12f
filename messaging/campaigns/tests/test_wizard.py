"""The wizard from upload to sent: message, time and review."""

import csv
import io

import pytest
from django.urls import reverse

from billing.ledger.models import Account
from billing.ledger.tests.factories import fund
from kit.money import money
from messaging.campaigns import tasks
from messaging.campaigns.models import Campaign
from messaging.campaigns.tests.factories import make_draft, people
from messaging.campaigns.tests.pages import HTMX, page, send_file, url
from messaging.campaigns.views import confirming

pytestmark = pytest.mark.django_db


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
