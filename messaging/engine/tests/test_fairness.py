"""Who goes first: codes before notices before promotion, and within a lane every organisation in its turn."""

from collections import Counter

import pytest
from django.db import connection

from kit.sql import rows, run
from messaging.engine.dispatch import claim as claiming
from messaging.engine.dispatch import leases, ring_for_ripe
from messaging.engine.models import QueueEntry
from messaging.engine.states import Lane
from messaging.engine.tests.factories import make_world

pytestmark = pytest.mark.django_db
MANY = 50_000


def queued(category, count):
    """A customer with so many messages of a category waiting; who has a world of its own on the one channel."""
    world = make_world(category=category)
    world.accept(count)
    return world


def pause(world):
    run("UPDATE engine_queueentry SET due_at = 'infinity' WHERE organisation_id = %s", [world.customer.pk])


def senders(claimed):
    return Counter(one.organisation_id for one in claimed.values())


def categories(claimed):
    return Counter(one.category for one in claimed.values())


def test_verification_goes_before_notices_and_both_before_promotion():
    promotion, notice, verification = (queued(category, 30) for category in ("promotion", "notice", "verification"))

    assert categories(verification.claim(limit=20)) == {"verification": 18, "promotion": 2}
    assert categories(verification.claim(limit=20)) == {"verification": 12, "notice": 6, "promotion": 2}
    assert categories(verification.claim(limit=30)) == {"notice": 24, "promotion": 6}
    assert categories(verification.claim(limit=30)) == {"promotion": 20}


def test_the_reserve_is_nobodys_while_no_promotion_waits():
    world = queued("verification", 30)

    assert categories(world.claim(limit=20)) == {"verification": 20}


def test_one_message_at_a_time_is_the_most_urgent():
    queued("promotion", 2)
    world = queued("verification", 2)

    assert categories(world.claim(limit=1)) == {"verification": 1}


def test_a_large_campaign_leaves_the_others_their_share():
    large, small, smaller = (queued("notice", count) for count in (90, 12, 4))

    claimed = senders(large.claim(limit=30))

    assert claimed[smaller.customer.pk] == 4, "all it has"
    assert min(claimed[small.customer.pk], claimed[large.customer.pk]) >= 9, "a third of what is not promotion's"


def test_more_organisations_than_places_still_means_everybodys_turn_comes():
    worlds = [queued("notice", 40) for _ in range(4)]

    seen = set()
    for _ in range(40):
        seen |= senders(worlds[0].claim(limit=2)).keys()

    assert seen == {world.customer.pk for world in worlds}


def test_who_only_has_paused_rows_takes_no_turn_from_anybody():
    waiting = queued("notice", 40)
    for _ in range(3):
        paused = queued("notice", 5)
        pause(paused)

    assert senders(waiting.claim(limit=20)) == {waiting.customer.pk: 20}


def test_paused_rows_are_not_claimed_and_ring_nobody():
    world = queued("notice", 5)
    pause(world)

    assert world.claim() == {}
    assert ring_for_ripe() == []
    assert QueueEntry.objects.count() == 5


def test_a_lane_is_served_oldest_first():
    world = make_world()
    ids = [world.accept().messages[0].id for _ in range(3)]
    for age, id in enumerate(ids):
        QueueEntry.objects.filter(message_id=id).update(due_at=f"2020-01-0{3 - age}T00:00Z")

    assert [one.message_id for _ in ids for one in world.claim(limit=1).values()] == ids[::-1]


# --- with fifty thousand rows waiting


@pytest.fixture
def crowded():
    world = queued("notice", 1)
    run(
        """INSERT INTO engine_queueentry (message_id, organisation_id, channel_id, lane, due_at)
        SELECT uuidv7(), md5((n %% 40)::text)::uuid, %s, 1 + n %% 3, now() - interval '1 hour' FROM generate_series(1, %s) n""",
        [world.channel.pk, MANY],
    )
    run(f"SET LOCAL ROLE {connection.settings_dict['USER']}")  # only the owner may take statistics
    run("ANALYZE engine_queueentry")
    run("SET LOCAL ROLE signalbox_engine")
    return world


def test_claiming_reads_the_index_only(crowded):
    parameters = {"channel": crowded.channel.pk, "lane": int(Lane.NOTICE), "limit": 200}

    assert "Seq Scan on engine_queueentry" not in plan(claiming._PICK, parameters)
    assert "queue_ripe" in plan(claiming._PICK, parameters)


def test_sweeping_reads_the_index_only(crowded):
    assert "Seq Scan on engine_queueentry" not in plan(leases._RIPE_CHANNELS)


def plan(statement, parameters=()):
    return "\n".join(line for (line,) in rows(f"EXPLAIN {statement}", parameters))
