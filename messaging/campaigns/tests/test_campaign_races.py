"""Two at once: each guard is also seen to fail with its lock taken out."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from messaging.campaigns import batches
from messaging.campaigns.actions import pause_campaign, running, start_campaign
from messaging.campaigns.batches import accept_next_batch
from messaging.campaigns.models import Campaign
from messaging.campaigns.queries import campaign_of
from messaging.campaigns.tests.factories import make_draft, make_started, make_world
from messaging.engine.dispatch.holding import NEVER
from messaging.engine.models import Message, QueueEntry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_bells")]
PATIENCE = 1.5


def at_once(*works: Callable[[], object]) -> list[object]:
    """Run each in a thread with a connection of its own, from one start; what each returned or raised."""
    barrier, results = threading.Barrier(len(works)), [None] * len(works)

    def run(place: int, work: Callable[[], object]) -> None:
        try:
            barrier.wait(10)
            results[place] = work()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


class Meeting:
    """A place where both wait for each other, so that both have looked before either changes; alone, one goes on."""

    def __init__(self) -> None:
        self.barrier = threading.Barrier(2)

    def wait(self) -> None:
        try:
            self.barrier.wait(PATIENCE)
        except threading.BrokenBarrierError:
            return


def accept_in_scope(campaign: Campaign) -> bool:
    with campaign.organisation.scope():
        return accept_next_batch(campaign_id=campaign.pk)


def without_lock(campaign_id):
    return Campaign.objects.select_related("organisation", "file").filter(pk=campaign_id).first()


@pytest.mark.parametrize("sabotaged", [False, True])
def test_two_workers_at_one_campaign_accept_each_recipient_once(monkeypatch, sabotaged):
    meeting = Meeting()
    accept = batches.accept_messages

    def accept_when_both_have_looked(**call):
        meeting.wait()
        return accept(**call)

    monkeypatch.setattr(batches, "accept_messages", accept_when_both_have_looked)
    if sabotaged:
        monkeypatch.setattr(batches, "locked", without_lock)
    world = make_world()
    campaign = make_started(world, count=20)

    at_once(lambda: accept_in_scope(campaign), lambda: accept_in_scope(campaign))

    campaign.refresh_from_db()
    assert Message.objects.count() == (40 if sabotaged else 20)
    assert campaign.accepted == 20


@pytest.mark.parametrize("sabotaged", [False, True])
def test_a_campaign_started_twice_at_once_starts_once(monkeypatch, sabotaged):
    meeting = Meeting()
    measure = running._ready

    def ready_when_both_have_looked(campaign):
        meeting.wait()
        return measure(campaign)

    monkeypatch.setattr(running, "_ready", ready_when_both_have_looked)
    if sabotaged:
        monkeypatch.setattr(running, "campaign_of", lambda organisation, id, lock: campaign_of(organisation, id))
    world = make_world()
    draft = make_draft(world)

    def start():
        with world.customer.scope():
            return start_campaign(organisation=world.customer, campaign_id=draft.pk).status

    started = [result for result in at_once(start, start) if result == "sending"]

    assert len(started) == (2 if sabotaged else 1)


@pytest.mark.parametrize("sabotaged", [False, True])
def test_nothing_is_accepted_after_a_pause_that_came_during_a_batch(monkeypatch, sabotaged):
    looked, meeting = Meeting(), Meeting()
    monkeypatch.setattr(batches, "BATCH", 5)
    accept = batches.accept_messages

    def accept_when_the_pause_has_begun(**call):
        looked.wait()
        meeting.wait()
        return accept(**call)

    monkeypatch.setattr(batches, "accept_messages", accept_when_the_pause_has_begun)
    if sabotaged:
        monkeypatch.setattr(batches, "locked", without_lock)
    world = make_world()
    campaign = make_started(world, count=15)

    def pause_in_the_middle():
        looked.wait()
        if sabotaged:
            with world.customer.scope():
                pause_campaign(organisation=world.customer, campaign_id=campaign.pk)
            meeting.wait()
        else:
            meeting.wait()
            with world.customer.scope():
                pause_campaign(organisation=world.customer, campaign_id=campaign.pk)

    results = at_once(lambda: accept_in_scope(campaign), pause_in_the_middle)

    assert not [result for result in results if isinstance(result, Exception)]
    campaign.refresh_from_db()
    assert campaign.status == "paused"
    ripe = QueueEntry.objects.exclude(due_at=NEVER).count()
    assert ripe == (5 if sabotaged else 0), "without the lock a batch lands behind the pause's back"
    assert accept_in_scope(campaign) is False
    assert Message.objects.count() == 5
