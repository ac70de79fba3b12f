"""Whose campaigns a person sees and changes, and what showing them costs."""

import pytest

from accounts.rules.permissions import Role
from accounts.tests.factories import signed_in
from messaging.campaigns.tests.factories import make_draft, make_started, make_world
from messaging.campaigns.tests.pages import url

pytestmark = pytest.mark.django_db
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
