"""Recipient files go by their organisation's deadline; what a campaign did stays."""

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from accounts.tests.factories import signed_in
from messaging.campaigns import retention
from messaging.campaigns.actions import set_reading
from messaging.campaigns.batches import accept_next_batch
from messaging.campaigns.errors import FileUnreadable
from messaging.campaigns.finishing import finish
from messaging.campaigns.models import Campaign, Recipient, RecipientFile, UnusableRow
from messaging.campaigns.retention import erase_overdue_files
from messaging.campaigns.tests.factories import make_draft, make_file, make_started, make_world, people
from messaging.engine.queries import progress_of
from messaging.engine.retention import erase_overdue

pytestmark = pytest.mark.django_db


def after(days: float):
    return timezone.now() + timedelta(days=days, hours=2)


def sent_campaign(world, count=3) -> Campaign:
    campaign = make_started(world, people(count) + "nonsense,Nobody\n")
    with world.customer.scope():
        while accept_next_batch(campaign_id=campaign.pk):
            pass
    world.report(*[(reference, "delivered") for reference in world.send()])
    finish()
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.SENT
    return campaign


def test_a_file_goes_with_its_rows_and_its_upload():
    campaign = sent_campaign(make_world())
    path = campaign.file.path

    assert erase_overdue_files(now=after(179)) == 0
    assert erase_overdue_files(now=after(180)) == 1

    file = RecipientFile.objects.get()
    assert (Recipient.objects.count(), UnusableRow.objects.count()) == (0, 0)
    assert not default_storage.exists(path)
    assert "sample" not in file.shape
    assert file.tally["valid"] == 3
    assert erase_overdue_files(now=after(180)) == 0


def test_the_campaign_still_says_what_it_did_and_its_results_that_numbers_were_erased():
    world = make_world()
    campaign = sent_campaign(world)
    before = progress_of(world.customer, [campaign.pk])
    erase_overdue(now=after(180))
    erase_overdue_files(now=after(180))
    owner = signed_in(world.customer)

    page = owner.get(f"/campaigns/{campaign.pk}/")
    results = b"".join(owner.get(f"/campaigns/{campaign.pk}/results.csv").streaming_content).decode()

    assert page.status_code == 200
    assert progress_of(world.customer, [campaign.pk]) == before
    assert results.count("erased") == results.count("Delivered") == 3
    assert "+4474" not in results


@pytest.mark.parametrize("status", ["scheduled", "sending", "paused", "stopped"])
def test_a_file_that_is_still_needed_stays(status):
    draft = make_draft(make_world())
    Campaign.objects.filter(pk=draft.pk).update(status=status)

    assert erase_overdue_files(now=after(365)) == 0
    assert Recipient.objects.count() == 3


def test_a_campaign_sent_later_keeps_its_file_for_as_long_again():
    campaign = sent_campaign(make_world())
    RecipientFile.objects.update(created_at=timezone.now() - timedelta(days=170))
    Campaign.objects.filter(pk=campaign.pk).update(all_accepted_at=timezone.now())

    assert erase_overdue_files(now=after(30)) == 0
    assert erase_overdue_files(now=after(180)) == 1


def test_a_draft_with_an_erased_file_asks_for_another_one():
    world = make_world()
    draft = make_draft(world)
    erase_overdue_files(now=after(180))
    owner = signed_in(world.customer)

    page = owner.get(f"/campaigns/{draft.pk}/recipients/")

    assert "The numbers of this file were erased" in page.content.decode()
    with world.customer.scope(), pytest.raises(FileUnreadable):
        set_reading(organisation=world.customer, file_id=draft.file_id, has_header=False)


def test_a_turn_that_was_cut_short_goes_on(monkeypatch):
    world = make_world()
    make_file(world.customer, people(7))
    monkeypatch.setattr(retention, "BATCH", 2)

    assert erase_overdue_files(now=after(180), turn_seconds=-1) == 0
    assert RecipientFile.objects.get().path
    assert erase_overdue_files(now=after(180)) == 1
    assert Recipient.objects.count() == 0
