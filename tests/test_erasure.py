"""T20: what an organisation knew about a person is gone after its deadline, from every table and every file we keep.

The world knows the person in every way the product has: a recipient file (usable and not), a campaign, the API, receipts, a text
received, a wish, a webhook, an export and a revealed number in the audit trail.
"""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from accounts.tests.factories import make_api_key, signed_in
from billing.ledger.books import problems
from kit.ids import uuid7
from kit.sql import rows
from messaging.campaigns.batches import accept_next_batch
from messaging.campaigns.finishing import finish
from messaging.campaigns.retention import erase_overdue_files
from messaging.campaigns.tests.factories import make_started
from messaging.engine.dispatch import drain
from messaging.engine.models import InboundMessage, Message, TrafficCount
from messaging.engine.receipts import fold_all, store_news
from messaging.engine.retention import erase_overdue
from messaging.engine.tests.factories import World, make_world
from messaging.engine.tests.receipts import news_of
from messaging.hooks.tasks.sweeping import collect
from messaging.hooks.tests.factories import make_webhook
from messaging.recipients.models import OptOut
from messaging.recipients.queries import opted_out

pytestmark = pytest.mark.django_db

NUMBER = "+447400987654"
#: As people and machines write it; the last one is what a mask would leave.
SPELLINGS = (
    "447400987654",
    "00447400987654",
    "07400987654",
    "7400 987654",
    "7400 987 654",
    "7400-987-654",
    "••4",
    "987654",
)
NAME = "Wilhelmina Canary"


@pytest.fixture
def uploads(tmp_path, settings):
    storage = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = {**settings.STORAGES, "default": storage}
    return tmp_path


def test_a_person_is_gone_from_everything_we_keep_and_the_books_still_balance(uploads, client):
    world = make_world(funds="50.00")
    live_through_everything(world, client)
    assert {"engine_message", "campaigns_recipient", "recipients_optout"} <= set(found_in_tables())
    assert found_in_files(uploads)
    figures = [list(row) for row in rows("SELECT * FROM engine_trafficcount ORDER BY id")]

    later = timezone.now() + timedelta(days=181)
    erase_overdue(now=later)
    erase_overdue_files(now=later)

    assert found_in_tables() == {}
    assert found_in_files(uploads) == []
    assert found_in_cache() == []
    assert problems() == []
    assert [list(row) for row in rows("SELECT * FROM engine_trafficcount ORDER BY id")] == figures
    assert TrafficCount.objects.filter(status=90).exists()
    with world.customer.scope():
        assert opted_out(world.customer, [NUMBER]) == {NUMBER}


def live_through_everything(world: World, client) -> None:
    make_webhook(world.customer)
    send_campaign(world)
    send_by_api(world, client)
    reference = {
        "reference": "",
        "state": "delivered",
        "error_code": "",
        "recipient": NUMBER,
        "user_message_reference": 77,
    }
    store_news(channel_id=world.channel.pk, **news_of(reference))
    fold_all()
    with world.customer.scope():
        OptOut.objects.create(organisation=world.customer, number=NUMBER, source=OptOut.Source.REPLY)
    InboundMessage.objects.create(
        id=uuid7(), channel_id=world.channel.pk, carrier_reference="in-1", sender=NUMBER, recipient="12345",
        body=f"STOP says {NAME}", received_at=timezone.now(), organisation=world.customer,
    )  # fmt: skip
    collect([str(id) for id in Message.objects.values_list("pk", flat=True)])
    look_at(world)


def send_campaign(world: World) -> None:
    rows_of_file = f"phone,name\n{NUMBER},{NAME}\n{NUMBER},Again\n{NUMBER}99999,Too long\n+447400987655,{'x' * 60}\n"
    campaign = make_started(world, rows_of_file)
    with world.customer.scope():
        while accept_next_batch(campaign_id=campaign.pk):
            pass
    world.report(*[(reference, "delivered") for reference in world.send()])
    finish()


def send_by_api(world: World, client) -> None:
    _, secret = make_api_key(world.customer)
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "canary"}
    body = {"to": NUMBER, "template": str(world.wording.id), "variables": {"name": NAME}}
    assert client.post("/api/v1/messages", body, content_type="application/json", headers=headers).status_code == 202
    drain(channel_id=world.channel.pk)
    fold_all()


def look_at(world: World) -> None:
    owner = signed_in(world.customer)
    message = Message.objects.filter(recipient=NUMBER).first()
    owner.post(f"/messages/{message.pk}/number/")
    b"".join(owner.get("/messages.csv", {"number": NUMBER}).streaming_content)
    owner.get("/search/", {"q": NUMBER})


def found_in_tables() -> dict[str, str]:
    """Table to a row of it in which the person is still to be found."""
    return {
        table: row for table in tables() for (text,) in rows(f'SELECT t::text FROM "{table}" t') if (row := seen(text))
    }


def tables() -> list[str]:
    return sorted(name for name in connection.introspection.table_names() if may_read(name))


def may_read(table: str) -> bool:
    if table == "engine_message":
        return True
    ((parent, mine),) = rows(
        "SELECT relispartition, has_table_privilege(oid, 'SELECT') FROM pg_class WHERE relname = %s", [table]
    )
    assert parent or mine, f"{table} can't be searched"
    return not parent


def found_in_files(folder: Path) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if seen(path.read_text(errors="replace"))]


def found_in_cache() -> list[str]:
    store = cache._cache.get_client()
    return [text for key in store.scan_iter() if seen(text := f"{key!r} {store.dump(key)!r}")]


def seen(text: str) -> str:
    return text if any(spelling in text for spelling in (*SPELLINGS, NAME)) else ""


def test_the_search_itself_finds_what_is_there():
    """The twin: a dump in which nothing could be found would prove nothing."""
    world = make_world()
    world.accept_drafts([world.draft(NUMBER)])

    assert list(found_in_tables()) == ["engine_message"]
    assert all(seen(json.dumps({"n": spelling}, ensure_ascii=False)) for spelling in SPELLINGS)
    assert settings.MESSAGE_RETENTION_DAYS > 180
