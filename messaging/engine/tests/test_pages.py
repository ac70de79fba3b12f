"""Pages by cursor: whole, in order, each message once, and never looking at more than a page's worth."""

import uuid

import pytest
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import make_api_key, signed_in
from messaging.channels.types.base import Refused, Sent
from messaging.engine import pages
from messaging.engine.models import Message
from messaging.engine.pages import page_of
from messaging.engine.queries import messages_for, of_campaign, share_of
from messaging.engine.states import Status

pytestmark = pytest.mark.django_db

REFUSED = Q(status=Status.REFUSED)


@pytest.fixture
def few_looked_at(monkeypatch):
    monkeypatch.setattr(pages, "LOOKED_AT", (2, 5))


def refuse(world, *places: int, of: int) -> list:
    """So many messages, oldest first, of which those at these places are refused by the carrier."""
    ids = sorted(message.id for message in world.accept(of).messages)
    claimed = world.claim()
    chosen = {ids[place] for place in places}
    outcomes = [Refused(id, "0x0B") for id, one in claimed.items() if one.message_id in chosen]
    world.record(claimed, outcomes)
    return ids


def walk(messages, *, wanted=REFUSED, size=2, share=None) -> list[list]:
    """All pages, newest first."""
    walked, before = [], None
    while True:
        page = page_of(messages, wanted=wanted, share=share, before=before, size=size)
        walked.append([message.pk for message in page.messages])
        if page.older is None:
            return walked
        before = page.older


def test_messages_of_a_rare_state_are_found_page_by_page(world, few_looked_at):
    ids = refuse(world, 0, 1, 9, of=12)

    found = walk(messages_for(world.customer))

    assert [pk for page in found for pk in page] == [ids[9], ids[1], ids[0]]


def test_a_page_without_a_match_leads_on_to_the_next(world, few_looked_at):
    ids = refuse(world, 0, of=12)

    found = walk(messages_for(world.customer))

    assert found == [[], [], [ids[0]]]


def test_the_way_back_shows_the_same_messages(world, few_looked_at):
    ids = refuse(world, 0, 4, 11, of=12)
    messages = messages_for(world.customer)
    page = page_of(messages, wanted=REFUSED, before=ids[1], size=2)
    assert [message.pk for message in page.messages] == [ids[0]]

    back = []
    while page.newer is not None:
        page = page_of(messages, wanted=REFUSED, after=page.newer, size=2)
        back = [message.pk for message in page.messages] + back

    assert back == [ids[11], ids[4]]


def test_a_page_that_is_full_looks_no_further(world):
    refuse(world, *range(12), of=12)

    page = page_of(messages_for(world.customer), wanted=REFUSED, size=2)

    assert len(page.messages) == 2
    assert page.older == page.messages[-1].pk


def test_without_a_condition_one_question_is_enough(world):
    world.accept(3)

    with CaptureQueriesContext(connection) as asked:
        page_of(messages_for(world.customer), size=2)

    assert len([one for one in asked if "SELECT" in one["sql"]]) == 1


# --- by the figures of a campaign


CAMPAIGN = uuid.UUID("019aab34-3df7-7d1e-9d3b-0f8f0c1c7a11")


@pytest.fixture
def campaign(world):
    """Twelve messages of a campaign: three refused, the others delivered."""
    accepted = world.accept(12, campaign_id=CAMPAIGN)
    refused = {message.id for message in accepted.messages[::4]}
    claimed = world.claim()
    references = {f"c-{id}": one for id, one in claimed.items() if one.message_id not in refused}
    world.record(
        claimed,
        [Refused(id, "0x0B") if one.message_id in refused else Sent(id, f"c-{id}") for id, one in claimed.items()],
    )
    world.report(*((reference, "delivered") for reference in references))
    return CAMPAIGN


def caller_of(organisation) -> Client:
    _, secret = make_api_key(organisation)
    return Client(headers={"Authorization": f"Bearer {secret}"})


def asked_of_messages(client, address) -> tuple[dict, int]:
    """What the API answers, and how often it asked for messages for it."""
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(address)
    assert answer.status_code == 200
    return answer.json(), len([one for one in asked if 'FROM "engine_message"' in one["sql"]])


def test_of_a_state_the_figures_know_none_of_no_message_is_looked_at(world, campaign):
    client = caller_of(world.customer)

    for state in ("held", "queued", "submitted", "expired", "cancelled"):
        page, looks = asked_of_messages(client, f"/api/v1/messages?campaign={campaign}&status={state}")
        assert (page, looks) == ({"messages": [], "next": None}, 0)


def test_of_a_small_campaign_a_rare_state_takes_one_look(world, campaign, few_looked_at):
    page, looks = asked_of_messages(caller_of(world.customer), f"/api/v1/messages?campaign={campaign}&status=refused")

    assert (len(page["messages"]), page["next"], looks) == (3, None, 1)


def test_what_is_still_on_its_way_is_looked_for(world):
    world.accept(3, campaign_id=CAMPAIGN)

    page, _ = asked_of_messages(caller_of(world.customer), f"/api/v1/messages?campaign={CAMPAIGN}&status=queued")

    assert len(page["messages"]) == 3


def test_test_messages_which_nobody_counts_are_looked_for(world):
    world.accept(3, campaign_id=CAMPAIGN, is_test=True)

    page, _ = asked_of_messages(caller_of(world.customer), f"/api/v1/messages?campaign={CAMPAIGN}&status=queued")

    assert len(page["messages"]) == 3


@pytest.mark.parametrize("walked", [0, 1_000_000], ids=["gathered", "walked"])
@pytest.mark.parametrize("state", [Status.REFUSED, Status.DELIVERED, Status.EXPIRED, Status.QUEUED])
def test_with_the_figures_the_pages_are_the_same(world, campaign, state, walked, monkeypatch):
    monkeypatch.setattr(pages, "WALKED", walked)
    messages = of_campaign(messages_for(world.customer), campaign)
    share = share_of(world.customer, campaign, state)

    assert share is not None
    assert walk(messages, wanted=Q(status=state), share=share) == walk(messages, wanted=Q(status=state))


def test_the_console_shows_the_way_on_where_a_page_holds_nothing(world, few_looked_at):
    refuse(world, 0, of=12)
    client = signed_in(world.customer)

    first = client.get("/messages/?status=refused")
    second = client.get("/messages/" + first.context["older_url"])
    third = client.get("/messages/" + second.context["older_url"])

    shown = [len(page.context["table"].rows) for page in (first, second, third)]
    assert (shown, third.context["older_url"]) == ([0, 0, 1], "")
    assert Message.objects.filter(REFUSED).count() == 1
