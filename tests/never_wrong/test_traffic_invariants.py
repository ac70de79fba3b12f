"""What check_books asks of the messages: silent over a right world, and each seen to find what breaks it."""

from dataclasses import replace

import pytest

from accounts.tests.factories import make_customer
from billing.ledger.books import problems
from billing.ledger.traffic_invariants import TRAFFIC_INVARIANTS
from kit.sql import run
from messaging.campaigns.tests.factories import make_draft
from messaging.engine.tests.factories import make_world

pytestmark = pytest.mark.django_db

#: What to do to a world with a delivered, a waiting and a claimed promotion, by the invariant it breaks.
BREAKS = {
    "A message that waits": "DELETE FROM engine_queueentry",
    "No worker keeps": "UPDATE engine_claim SET lease_until = now() - interval '5 minutes'",
    "Only after a definite no": """
        INSERT INTO engine_attempt (message_id, number, organisation_id, channel_id, reference, outcome, parts, code,
            carrier_reference, started_at, ended_at)
        SELECT message_id, 2, organisation_id, channel_id, reference, 2, parts, '', '', now(), now() FROM engine_attempt""",
    "What is said to have reached": "DELETE FROM engine_attempt",
    "What belongs to a message": "UPDATE engine_attempt SET organisation_id = %(stranger)s",
    "Only approved wording": "UPDATE engine_message SET template_version_id = %(unapproved)s",
    "No promotion leaves": """
        INSERT INTO recipients_optout (id, organisation_id, number, source, created_at)
        SELECT uuidv7(), organisation_id, recipient, 'api', now() - interval '1 hour' FROM engine_message WHERE status = 90""",
    "A campaign counts": "UPDATE campaigns_campaign SET accepted = 1",
    "A receipt whose message": "UPDATE engine_deliveryreceipt SET folded_at = NULL, received_at = now() - interval '5 minutes'",
    "An hour's sum": """
        WITH noted AS (INSERT INTO traffic_sumprogress (id, summed_before) VALUES (1, now() + interval '1 hour'))
        UPDATE engine_trafficcount SET is_squashed = true""",
}


@pytest.fixture
def world():
    """A delivered message, one in a worker's hands, one that waits; and a campaign that has not begun."""
    world = make_world(category="promotion", body="Hello {name}. Reply R to opt out.")
    make_draft(world)
    for _ in range(3):
        world.accept()
    world.report(*((reference, "delivered") for reference in world.send(limit=1)))
    world.claim(limit=1)
    return world


def without_grace(sql):
    return sql.replace("uuid_extract_timestamp(m.id) < now() - interval '1 minute'", "true")


def broken():
    """Without the minute of grace: nothing in a test is a minute old."""
    at_once = [replace(one, sql=without_grace(one.sql)) for one in TRAFFIC_INVARIANTS]
    return {problem.invariant for problem in problems(at_once)}


def test_a_right_world_breaks_none(world):
    assert broken() == set()


@pytest.mark.parametrize("invariant", TRAFFIC_INVARIANTS, ids=lambda one: one.name)
def test_each_finds_what_breaks_it(world, invariant):
    [breaking] = [statement for begins, statement in BREAKS.items() if invariant.name.startswith(begins)]

    run(breaking, {"stranger": make_customer().pk, "unapproved": make_world().wording.id})

    assert invariant.name in broken()
