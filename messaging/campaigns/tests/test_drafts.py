"""A campaign's draft at the actions' doors: what it will take, and what it asks for."""

import pytest

from kit.errors import Invalid
from kit.money import money
from messaging.campaigns import measuring, tasks
from messaging.campaigns.actions import drafts as draft_actions
from messaging.campaigns.actions import set_message, set_reading, start_campaign
from messaging.campaigns.measuring import cost_of, estimate_of
from messaging.campaigns.queries import campaign_of
from messaging.campaigns.tests.factories import accept_all, act, make_draft, make_world
from messaging.content.errors import NotApproved
from messaging.content.tests.factories import draft_version
from messaging.engine.models import Message

pytestmark = pytest.mark.django_db


def test_a_draft_counts_what_it_will_take():
    world = make_world(body="Hello {name}, it is ready.")
    long = "x" * 40

    draft = make_draft(world, f"phone,name\n07400123456,{long}\n07400123457,Zoë\n07400123458,王伟\n07400123459,\n")

    estimate = estimate_of(draft)
    assert (estimate.recipients, estimate.messages, estimate.unusable, estimate.unusable_row) == (4, 3, 1, 5)
    assert (estimate.shortest, estimate.longest, estimate.segments) == (1, 1, 3)
    assert estimate.problems == {"name:missing": 1}
    assert estimate.unicode == 3, "the signature's brackets force Unicode"
    assert estimate.by_country == {"GB": [3, 3]}
    with world.customer.scope():
        cost = cost_of(organisation=world.customer, category="notice", estimate=estimate)
    assert (cost.total, cost.shortfall, cost.after) == (money("0.12"), 0, money("9.88"))


def test_a_text_stands_in_where_a_cell_is_empty():
    world = make_world()
    draft = make_draft(world, "phone,name\n07400123456,Ada\n07400123457,\n")
    act(set_message, world, draft, version_id=world.wording.id, sender_id=world.sender.pk,
        columns={"name": "name"}, fixed={"name": "friend"})  # fmt: skip
    act(start_campaign, world, draft)

    accept_all(draft)

    assert sorted(Message.objects.values_list("body", flat=True)) == [
        "【Kestrel】Hello Ada, it is ready.",
        "【Kestrel】Hello friend, it is ready.",
    ]


def test_every_variable_needs_a_column_or_a_text():
    world = make_world()
    draft = make_draft(world)

    for columns, fixed in (
        ({}, {}),
        ({"name": "nowhere"}, {}),
        ({"nobody": "name"}, {"name": "x"}),
        ({}, {"name": "x" * 99}),
    ):
        with pytest.raises(Invalid) as refused:
            act(set_message, world, draft, version_id=world.wording.id, sender_id=world.sender.pk,
                columns=columns, fixed=fixed)  # fmt: skip
        assert set(refused.value.details["variables"]) <= {"name", "nobody"}

    draft.refresh_from_db()
    assert draft.variable_columns == {"name": "name"}


def test_only_approved_wording_can_be_chosen():
    world = make_world()
    draft = make_draft(world)
    unapproved = draft_version(world.customer)

    with pytest.raises(NotApproved):
        act(set_message, world, draft, version_id=unapproved.pk, sender_id=world.sender.pk, columns={}, fixed={})


def test_a_count_is_only_of_the_rows_and_words_it_was_made_of():
    world = make_world()
    draft = make_draft(world)
    assert estimate_of(draft)

    with world.customer.scope():
        set_reading(organisation=world.customer, file_id=draft.file_id, default_region="US")
    tasks.read_recipient_file(str(draft.file_id))

    with world.customer.scope():
        assert estimate_of(campaign_of(world.customer, draft.pk)) is None


def test_large_drafts_are_counted_by_a_task(monkeypatch, django_capture_on_commit_callbacks):
    monkeypatch.setattr(draft_actions, "AT_ONCE", 2)
    monkeypatch.setattr(measuring, "CHUNK", 2)
    world = make_world()

    with django_capture_on_commit_callbacks() as asked:
        draft = make_draft(world, count=5)
    assert estimate_of(draft) is None
    for ask in asked:
        ask()

    with world.customer.scope():
        estimate = estimate_of(campaign_of(world.customer, draft.pk))
    assert (estimate.counted, estimate.messages, estimate.is_sample) == (5, 5, False)
