"""The list of campaigns, asked for at its address."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.rules.permissions import Role
from accounts.tests.factories import make_customer, signed_in
from messaging.campaigns.actions import create_draft
from messaging.campaigns.models import Campaign
from messaging.campaigns.tests.factories import make_draft, make_file, make_started, people
from messaging.campaigns.tests.pages import page
from messaging.campaigns.views.lists import CampaignsView

pytestmark = pytest.mark.django_db

States = Campaign.Status


def named(world, name: str, **fields) -> Campaign:
    """A draft with a name, then as the fields say."""
    file = make_file(world.customer, people(1))
    with world.customer.scope():
        campaign = create_draft(organisation=world.customer, file=file, by=file.uploaded_by)
        Campaign.objects.filter(pk=campaign.pk).update(name=name, **fields)
    return campaign


def names(client, query: str = "") -> list[str]:
    return re.findall(r'<a class="prime" href="[^"]*">([^<]*)</a>', page(client.get(f"/campaigns/{query}")))


def row_of(client, name: str) -> str:
    return next(row for row in page(client.get("/campaigns/")).split("<tr") if f">{name}</a>" in row)


def test_the_newest_comes_first(world, client):
    for name in ("First", "Second", "Third"):
        named(world, name)

    assert names(client) == ["Third", "Second", "First"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("name", ["Apple", "Banana", "Cherry"]),
        ("-name", ["Cherry", "Banana", "Apple"]),
        ("recipients", ["Cherry", "Apple", "Banana"]),
        ("-started_at", ["Banana", "Apple", "Cherry"]),
        ("status&sort=name", ["Apple", "Cherry", "Banana"]),
        ("cost", ["Cherry", "Banana", "Apple"]),
        ("nonsense", ["Cherry", "Banana", "Apple"]),
    ],
)
def test_a_column_puts_them_in_its_order(world, client, sort, expected):
    now = timezone.now()
    named(world, "Apple", recipients=20, started_at=now - timedelta(hours=1), status=States.CANCELLED)
    named(world, "Banana", recipients=30, started_at=now, status=States.SENT)
    named(world, "Cherry", recipients=10, started_at=now - timedelta(hours=2), status=States.CANCELLED)

    assert names(client, f"?sort={sort}") == expected


@pytest.mark.parametrize(
    ("show", "expected"),
    [
        ("running", ["stopped", "paused", "sending", "scheduled"]),
        ("draft", ["draft"]),
        ("ended", ["cancelled", "sent"]),
    ],
)
def test_a_group_shows_its_states_alone(world, client, show, expected):
    for status in States:
        named(world, status.value, status=status)

    assert names(client, f"?show={show}") == expected


def test_pages_follow_each_other_without_a_gap(world, client, monkeypatch):
    monkeypatch.setattr(CampaignsView, "rows_a_page", 2)
    for number in range(5):
        named(world, f"Campaign {number}")

    pages = [names(client, f"?page={number}") for number in (1, 2, 3)]

    assert pages == [["Campaign 4", "Campaign 3"], ["Campaign 2", "Campaign 1"], ["Campaign 0"]]
    assert client.get("/campaigns/?page=4").status_code == 404


def test_nobody_elses_is_listed(world):
    named(world, "Ours")

    assert names(signed_in(make_customer(), Role.SENDER)) == []


def test_what_a_row_says_is_escaped(world, client):
    named(world, "<b>Sale</b>")

    assert "<b>Sale" not in page(client.get("/campaigns/"))
    assert "&lt;b&gt;Sale&lt;/b&gt;" in names(client)


def test_a_draft_says_its_file_and_how_many_it_can_reach(world, client):
    file = make_file(world.customer, people(7), name="spring.csv")
    with world.customer.scope():
        draft = create_draft(organisation=world.customer, file=file, by=file.uploaded_by)

    row = row_of(client, draft.name)

    assert f"spring.csv · {file.uploaded_by}" in row
    assert ">7</td>" in row
    assert "Draft" in row


def test_once_its_wording_is_chosen_a_draft_says_the_template(world, client):
    draft = make_draft(world)

    row = row_of(client, draft.name)

    assert f"{draft.version.template.name} · {draft.created_by}" in row


def test_one_at_work_says_its_progress_and_its_cost(world, client, bells):
    with bells():
        campaign = make_started(world, count=4)

    row = row_of(client, campaign.name)

    assert ">4</td>" in row
    assert "%</span>" in row
    assert "£" in row


def test_a_test_campaign_is_told_apart(world, client):
    named(world, "Rehearsal", is_test=True)

    assert "· Test<" in row_of(client, "Rehearsal")
