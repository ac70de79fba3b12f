"""Campaigns the product could have made: a file is uploaded and read, a message chosen, the campaign started."""

import io
from pathlib import Path

from django.conf import settings

from accounts.models import Organisation, User
from accounts.rules.permissions import Role
from accounts.tests.factories import make_member
from messaging.campaigns.actions import create_draft, set_message, start_campaign, upload_file
from messaging.campaigns.batches import accept_next_batch
from messaging.campaigns.models import Campaign, RecipientFile
from messaging.campaigns.reading import read_file
from messaging.engine.tests.factories import World, make_world

SAMPLES = Path(settings.BASE_DIR) / "docs" / "samples"
BODY = "Hello {name}, it is ready."


def make_sender(organisation: Organisation) -> User:
    """A member who runs campaigns."""
    return make_member(organisation, Role.SENDER).user


def people(count: int, *, first: int = 0) -> str:
    """A list of that many British recipients with a name each."""
    rows = "".join(f"+4474001{number:05d},Person {number}\n" for number in range(first, first + count))
    return "phone,name\n" + rows


def upload(organisation: Organisation, content: bytes | str, *, name: str = "list.csv", **options) -> RecipientFile:
    content = content.encode() if isinstance(content, str) else content
    with organisation.scope():
        return upload_file(
            organisation=organisation, name=name, stream=io.BytesIO(content), by=make_sender(organisation), **options
        )


def make_file(organisation: Organisation, content: bytes | str, **options) -> RecipientFile:
    """A file that has been read (or refused)."""
    file = upload(organisation, content, **options)
    read_file(organisation=organisation, file_id=file.pk)
    file.refresh_from_db()
    return file


def make_draft(world: World, content: bytes | str = "", *, count: int = 3, **options) -> Campaign:
    """A complete draft: the world's template, its {name} from the column of that name."""
    customer = world.customer
    file = make_file(customer, content or people(count))
    with customer.scope():
        draft = create_draft(organisation=customer, file=file, by=file.uploaded_by, **options)
        return set_message(
            organisation=customer,
            campaign_id=draft.pk,
            version_id=world.wording.id,
            sender_id=world.sender.pk,
            columns={"name": "name"},
            fixed={},
        )


def make_started(world: World, content: bytes | str = "", **options) -> Campaign:
    """A campaign that is sending; nothing of it is accepted yet unless bells are answered."""
    draft = make_draft(world, content, **options)
    with world.customer.scope():
        return start_campaign(organisation=world.customer, campaign_id=draft.pk)


def accept_all(campaign: Campaign) -> int:
    """Answer the campaign's bell until nothing is left; how many batches it took."""
    rounds = 0
    more = True
    while more:
        with campaign.organisation.scope():
            more = accept_next_batch(campaign_id=campaign.pk)
        rounds += 1
    campaign.refresh_from_db()
    return rounds


def act(action, world, campaign: Campaign, **options) -> Campaign:
    """What an action makes of the campaign, asked by its own organisation."""
    with world.customer.scope():
        return action(organisation=world.customer, campaign_id=campaign.pk, **options)


__all__ = [
    "SAMPLES", "accept_all", "act", "make_draft", "make_file", "make_sender", "make_started", "make_world", "people", "upload",
]  # fmt: skip
