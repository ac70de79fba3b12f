"""Each way of finding messages has an index that leads to them: nothing reads whole days of everybody's."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from kit.ids import first_id_at
from kit.sql import rows
from messaging.engine import pages
from messaging.engine.models import Attempt, DeliveryReceipt
from messaging.engine.queries import messages_for, of_campaign
from messaging.engine.tests.factories import make_world

pytestmark = pytest.mark.django_db

CAMPAIGN = UUID("019aab34-3df7-7d1e-9d3b-0f8f0c1c7a11")
DAY = timedelta(days=1)
CHANGES = ("updated", "hot_updated", "newpage_updated")
SPREAD = """
UPDATE engine_message SET client_reference = recipient, campaign_id = CASE WHEN recipient LIKE '%%7' THEN %s::uuid END
"""


@pytest.fixture
def organisation():
    """One with some hundred messages, each with a reference, a tenth of them a campaign's, and the planner knows it."""
    world = make_world(funds="100.00")
    world.accept(400)
    with connection.cursor() as cursor:
        cursor.execute(SPREAD, [CAMPAIGN])
        cursor.execute("ANALYZE engine_message")
        cursor.execute("SET LOCAL enable_seqscan = off")  # on a table as small as this it would be chosen
    return world.customer


def test_the_whole_list_is_read_in_the_order_of_its_index(organisation):
    plan = messages_for(organisation)[:51].explain()

    assert "organisation_id_id_idx" in plan
    assert "Seq Scan" not in plan


@pytest.mark.parametrize(
    ("by", "index"), [("recipient", "recipient_idx"), ("client_reference", "client_reference_idx")]
)
def test_a_number_or_a_reference_has_an_index_of_its_own(by, index, organisation):
    plan = messages_for(organisation).filter(**{by: "+447700900123"}).order_by().explain()

    assert index in plan
    assert "Seq Scan" not in plan


def test_a_campaigns_messages_are_read_in_the_order_of_its_index(organisation):
    plan = of_campaign(messages_for(organisation), CAMPAIGN)[:51].explain()

    assert "campaign_id_id_idx" in plan
    assert "pkey" not in plan


@pytest.mark.parametrize("statement", [pages._OLDER, pages._NEWER], ids=["older", "newer"])
def test_what_of_a_campaign_did_not_arrive_is_read_from_an_index_alone(statement, organisation):
    today = timezone.now()
    whose = {"organisation": organisation.pk, "campaign": CAMPAIGN, "codes": "{0x0B}", "most": 51}
    ids = {"first": first_id_at(today - DAY), "end": first_id_at(today + DAY), "cursor": first_id_at(today)}

    with organisation.scope():
        plan = "\n".join(line for (line,) in rows("EXPLAIN " + statement, whose | ids))

    index = rf"engine_message_{today:%Y%m%d}_(by_campaign_and_code|campaign_id_error_code_id_\w+)"
    assert re.search(rf"Index Only Scan (Backward )?using {index}", plan)
    assert "_pkey on engine_message" not in plan


def test_a_message_that_arrives_is_changed_in_place():
    """The index of those that did not is asked for by what changes only then."""
    world = make_world()
    world.accept(8)
    references = world.send()

    before = indexed_anew()

    world.report(*((reference, "delivered") for reference in references))

    assert indexed_anew() == before


def indexed_anew() -> int:
    """How many changes of messages this session had to write into every index, though there was room on the page."""
    days = "SELECT inhrelid FROM pg_inherits WHERE inhparent = 'engine_message'::regclass"
    counts = ", ".join(f"sum(pg_stat_get_xact_tuples_{kind}(inhrelid))" for kind in CHANGES)
    [(changed, in_place, no_room)] = rows(f"SELECT {counts} FROM ({days}) AS day")
    return int(changed - in_place - no_room)


def test_an_older_page_is_reached_by_its_cursor(organisation):
    middle = messages_for(organisation)[200]

    plan = messages_for(organisation).filter(pk__lt=middle.pk)[:51].explain()

    assert "Seq Scan" not in plan
    assert "(id < " in plan


def test_an_id_leads_to_its_day_alone(organisation):
    message = messages_for(organisation).first()

    plan = messages_for(organisation).filter(pk=message.pk).explain()

    assert "Seq Scan" not in plan
    assert plan.count(f"on engine_message_{message.accepted_at:%Y%m%d}") == 1


def test_days_after_the_cursor_are_not_looked_at(organisation):
    message = messages_for(organisation).last()

    plan = messages_for(organisation).filter(pk__lt=first_id_at(message.accepted_at)).explain()

    assert f"{message.accepted_at:%Y%m%d}" in plan
    assert f"{message.accepted_at + timedelta(days=1):%Y%m%d}" not in plan


@pytest.mark.parametrize("model", [Attempt, DeliveryReceipt])
def test_what_became_of_a_message_is_led_to_by_its_id(model, organisation):
    plan = model.objects.filter(organisation=organisation, message_id=CAMPAIGN).explain()

    assert "Seq Scan" not in plan


def test_the_attempts_of_the_last_minutes_are_found_without_waiting_for_a_vacuum():
    """A block range that is not summarised is read by whoever asks for any time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname = 'attempt_by_time'")
        [(options,)] = cursor.fetchall()

    assert "autosummarize=on" in options
