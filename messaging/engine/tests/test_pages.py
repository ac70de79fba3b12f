"""Pages by cursor: whole, in order, each message once, and never looking at more than a page's worth."""

import re
import uuid

import pytest
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import make_api_key, signed_in
from messaging.channels.types.base import Refused, Sent
from messaging.engine import pages, queries
from messaging.engine.models import Message
from messaging.engine.pages import page_of
from messaging.engine.queries import messages_for, of_campaign, share_of
from messaging.engine.states import Status
from messaging.engine.tests.factories import make_world

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


def walk_back(messages, *, wanted, size, share=None) -> list[list]:
    """All pages from the oldest end, each newest first."""
    walked, after = [], uuid.UUID(int=0)
    while after is not None:
        page = page_of(messages, wanted=wanted, share=share, after=after, size=size)
        walked.append([message.pk for message in page.messages])
        after = page.newer
    return walked


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
    """Twelve messages of a campaign: three refused for two reasons, two expired, one undelivered, the others delivered."""
    places = {message.id: place for place, message in enumerate(world.accept(12, campaign_id=CAMPAIGN).messages)}
    claimed = world.claim()
    by_place = {places[one.message_id]: id for id, one in claimed.items()}
    refused = {by_place[0]: "0x0B", by_place[4]: "0x58", by_place[8]: "0x0B"}
    sent = [id for id in claimed if id not in refused]
    world.record(claimed, [Refused(*one) for one in refused.items()] + [Sent(id, f"c-{id}") for id in sent])
    states = {by_place[3]: "undelivered", by_place[5]: "expired", by_place[9]: "expired"}
    world.report(*((f"c-{id}", states.get(id, "delivered")) for id in sent))
    return CAMPAIGN


def caller_of(organisation) -> Client:
    _, secret = make_api_key(organisation)
    return Client(headers={"Authorization": f"Bearer {secret}"})


def asked_of_messages(client, address) -> tuple[dict, int]:
    """What the API answers, and how often it asked for messages for it."""
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(address)
    assert answer.status_code == 200
    return answer.json(), len([one for one in asked if re.search('FROM "?engine_message"?', one["sql"])])


def test_of_a_state_the_figures_know_none_of_no_message_is_looked_at(world, campaign):
    client = caller_of(world.customer)

    for state in ("held", "queued", "submitted", "blocked", "cancelled"):
        page, looks = asked_of_messages(client, f"/api/v1/messages?campaign={campaign}&status={state}")
        assert (page, looks) == ({"messages": [], "next": None}, 0)


def test_of_a_campaign_a_rare_state_takes_one_look_at_the_index_and_one_at_its_rows(world, campaign, few_looked_at):
    page, looks = asked_of_messages(caller_of(world.customer), f"/api/v1/messages?campaign={campaign}&status=refused")

    assert (len(page["messages"]), page["next"], looks) == (3, None, 2)


def test_where_a_state_has_too_many_codes_its_messages_are_looked_for(world, campaign, monkeypatch):
    monkeypatch.setattr(queries, "MOST_CODES", 1)

    share = share_of(world.customer, campaign, [Status.REFUSED])

    assert (share.messages, share.is_led_to) == (3, False)


def test_what_is_still_on_its_way_is_looked_for(world):
    world.accept(3, campaign_id=CAMPAIGN)

    page, _ = asked_of_messages(caller_of(world.customer), f"/api/v1/messages?campaign={CAMPAIGN}&status=queued")

    assert len(page["messages"]) == 3


def test_test_messages_which_nobody_counts_are_looked_for(world):
    world.accept(3, campaign_id=CAMPAIGN, is_test=True)

    page, _ = asked_of_messages(caller_of(world.customer), f"/api/v1/messages?campaign={CAMPAIGN}&status=queued")

    assert len(page["messages"]) == 3


KINDS = {
    "refused": [Status.REFUSED],
    "undelivered": [Status.UNDELIVERED],
    "expired": [Status.EXPIRED],
    "queued": [Status.QUEUED],
    "delivered": [Status.DELIVERED],
    "none arrived": [status for status in Status if status > Status.DELIVERED],
    "final": [status for status in Status if status.is_final],
}


@pytest.mark.parametrize("size", [1, 2, 50])
@pytest.mark.parametrize("states", KINDS.values(), ids=KINDS)
def test_with_the_figures_the_pages_are_the_same(world, campaign, states, size):
    messages, wanted = of_campaign(messages_for(world.customer), campaign), Q(status__in=states)
    share = share_of(world.customer, campaign, states)

    assert share is not None
    assert share.messages == messages.filter(wanted).count()
    for way in (walk, walk_back):
        assert way(messages, wanted=wanted, share=share, size=size) == way(messages, wanted=wanted, size=size)


def test_a_code_of_two_states_does_not_tell_them_apart(world):
    """The carrier refuses one with the code that another's receipt brings."""
    world.accept(2, campaign_id=CAMPAIGN)
    claimed = world.claim()
    first, second = claimed
    world.record(claimed, [Refused(first, "027"), Sent(second, f"c-{second}")])
    world.report((f"c-{second}", "undelivered"))

    page, _ = asked_of_messages(caller_of(world.customer), f"/api/v1/messages?campaign={CAMPAIGN}&status=refused")

    assert [message["id"] for message in page["messages"]] == [str(claimed[first].message_id)]


def test_the_way_on_leads_through_all_that_did_not_arrive(world, campaign):
    states = KINDS["none arrived"]
    share = share_of(world.customer, campaign, states)

    found = walk(of_campaign(messages_for(world.customer), campaign), wanted=Q(status__in=states), share=share)

    assert [len(page) for page in found] == [2, 2, 2]
    assert sum(found, []) == sorted(sum(found, []), reverse=True)


def test_what_else_is_asked_for_counts_beside_the_figures(world, campaign):
    refused = Message.objects.filter(REFUSED).first()
    address = f"/api/v1/messages?campaign={campaign}&status=refused"

    page, _ = asked_of_messages(caller_of(world.customer), f"{address}&to=%2B{refused.recipient[1:]}")

    assert [message["id"] for message in page["messages"]] == [str(refused.pk)]


def test_somebody_elses_campaign_has_no_messages(campaign):
    other = make_world().customer
    client, console = caller_of(other), signed_in(other)

    page, _ = asked_of_messages(client, f"/api/v1/messages?campaign={campaign}&status=refused")
    shown = console.get(f"/messages/?campaign={campaign}&status=failed").context["table"].rows

    assert (page, len(shown)) == ({"messages": [], "next": None}, 0)


def test_the_console_shows_what_of_a_campaign_did_not_arrive_in_one_look(world, campaign, few_looked_at):
    shown = signed_in(world.customer).get(f"/messages/?campaign={campaign}&status=failed")

    assert (len(shown.context["table"].rows), shown.context["older_url"]) == (6, "")


def test_the_console_shows_the_way_on_where_a_page_holds_nothing(world, few_looked_at):
    refuse(world, 0, of=12)
    client = signed_in(world.customer)

    first = client.get("/messages/?status=refused")
    second = client.get("/messages/" + first.context["older_url"])
    third = client.get("/messages/" + second.context["older_url"])

    shown = [len(page.context["table"].rows) for page in (first, second, third)]
    assert (shown, third.context["older_url"]) == ([0, 0, 1], "")
    assert Message.objects.filter(REFUSED).count() == 1
