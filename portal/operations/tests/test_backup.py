"""T23: a backup taken while messages are sent can be restored, its books are right, and nothing leaves twice."""

import io
import json
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from billing.ledger.books import problems
from messaging.campaigns.batches import accept_next_batch
from messaging.campaigns.models import Campaign
from messaging.campaigns.tests.factories import make_started
from messaging.engine.models import Message, QueueEntry
from messaging.engine.states import Status
from messaging.engine.tests.factories import make_world
from portal.operations.backup import newest_in
from portal.operations.postgres_tools import backup_url, connection_words
from portal.operations.restored import make_fit
from portal.stack.errors import StackError


@contextmanager
def sending(world):
    """Messages are accepted, handed over and settled for as long as the block lasts."""
    stopped, sent = threading.Event(), []

    def go_on() -> None:
        try:
            while not stopped.is_set():
                world.accept(5)
                references = world.send(limit=4)
                world.report(*[(reference, "delivered") for reference in list(references)[:3]])
                sent.append(len(references))
        finally:
            connection.close()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield sent
    finally:
        stopped.set()
        thread.join()


def said(command: str, *arguments) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command(command, *arguments, stdout=out, stderr=io.StringIO())
    except SystemExit as end:
        return end.code, out.getvalue()
    return 0, out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_a_backup_taken_while_messages_are_sent_is_good(tmp_path):
    world = make_world(funds="500.00")
    world.accept(20)
    world.claim(limit=3)
    (settings.VAR_DIR / "uploads").mkdir(exist_ok=True)

    with sending(world) as sent:
        assert said("backup", "--to", str(tmp_path))[0] == 0
    code, verdict = said("restore_drill", "--from", str(tmp_path))

    assert sent
    assert (code, verdict[:4]) == (0, "GOOD"), verdict
    assert "0 would be sent again, 0 invariants broken" in verdict
    assert problems() == []


@pytest.mark.django_db(transaction=True)
def test_what_came_after_the_backup_is_restored_from_the_archived_log(tmp_path):
    world = make_world(funds="500.00")
    world.accept(3)
    with receiving_wal(tmp_path / "wal"):
        said("backup", "--to", str(tmp_path / "backups"))
        world.accept(40)
        world.report(*[(reference, "delivered") for reference in world.send(limit=10)])
        switch_wal()

    assert json.loads((newest_in(tmp_path / "backups") / "backup.json").read_text())["accepted"] == 3
    with_log = said("restore_drill", "--from", str(tmp_path / "backups"), "--wal", str(tmp_path / "wal"))[1]

    assert "; 43 messages" in with_log, with_log
    assert with_log.startswith("GOOD")


@pytest.mark.django_db(transaction=True)
def test_a_backup_is_for_its_owner_alone_and_says_what_it_is_of(tmp_path):
    make_world()
    said("backup", "--to", str(tmp_path))

    folder = newest_in(tmp_path)
    note = json.loads((folder / "backup.json").read_text())
    assert note["database"] == connection.settings_dict["NAME"]
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE((folder / "secret").stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in (folder / "secret").iterdir()} == {0o600}
    assert (folder / "secret" / "postgres-admin").read_text() == (
        settings.VAR_DIR / "secret" / "postgres-admin"
    ).read_text()


@pytest.mark.django_db(transaction=True)
def test_a_backup_that_holds_less_than_it_says_is_found_out(tmp_path):
    make_world()
    said("backup", "--to", str(tmp_path))
    folder = newest_in(tmp_path)
    note = json.loads((folder / "backup.json").read_text())
    (folder / "backup.json").write_text(json.dumps(note | {"accepted": 10**9}))

    code, verdict = said("restore_drill", "--from", str(tmp_path))

    assert (code, verdict[:3]) == (1, "BAD")


def test_an_unfinished_backup_is_not_restored(tmp_path):
    (tmp_path / "2026-11-22T21-00-00Z" / "base").mkdir(parents=True)

    with pytest.raises(StackError, match="no finished backup"):
        newest_in(tmp_path)
    with pytest.raises(CommandError):
        call_command("restore_drill", "--from", str(tmp_path))


# --- making a restored house fit


@pytest.mark.django_db
def test_nothing_that_may_have_left_leaves_again():
    world = make_world()
    world.accept(5)
    world.claim(limit=2)

    done = make_fit(sent_until=timezone.now())

    assert (done.in_hand, done.queued, done.ripe) == (2, 3, 0)
    assert set(Message.objects.values_list("status", flat=True)) == {Status.UNKNOWN}
    assert world.claim() == {}
    assert done.problems == []
    assert make_fit(sent_until=timezone.now()).queued == 0


@pytest.mark.django_db
def test_sabotage_a_restored_queue_that_is_not_given_up_sends_again(monkeypatch):
    monkeypatch.setattr("portal.operations.restored.give_up_what_may_have_left", lambda **_: 0)
    world = make_world()
    world.accept(3)

    assert make_fit(sent_until=timezone.now()).ripe == 3
    assert len(world.claim()) == 3


@pytest.mark.django_db
def test_what_is_due_later_stays_in_the_queue():
    world = make_world()
    world.accept(2)
    QueueEntry.objects.update(due_at=timezone.now() + timedelta(hours=1))

    assert make_fit(sent_until=timezone.now()).queued == 0
    assert QueueEntry.objects.count() == 2


@pytest.mark.django_db
def test_a_campaign_in_the_middle_of_its_file_stops_and_asks():
    world = make_world()
    campaign = make_started(world, count=3)

    assert make_fit(sent_until=timezone.now()).campaigns == 1

    campaign.refresh_from_db()
    assert (campaign.status, campaign.stop_reason["code"]) == (Campaign.Status.STOPPED, "restored")
    with world.customer.scope():
        assert not accept_next_batch(campaign_id=campaign.pk)
    assert Message.objects.count() == 0


def test_no_password_is_seen_among_the_processes():
    words = connection_words("postgres://boss:p%40ss@%2Fvar%2FRun%2Fpg/signalbox")

    assert words == {"PGHOST": "/var/Run/pg", "PGPORT": "5432", "PGUSER": "boss", "PGPASSWORD": "p@ss"}


@contextmanager
def receiving_wal(folder):
    """`archive_wal` as a process of its own, as the unit runs it."""
    archive = [sys.executable, "manage.py", "archive_wal", "--to", str(folder)]
    process = subprocess.Popen(archive, cwd=settings.BASE_DIR)
    try:
        wait_for(lambda: any(folder.glob("*.partial")))
        yield
        wait_for(lambda: received(folder))
    finally:
        process.terminate()
        process.wait()
        drop_slot()


def wait_for(is_done, seconds: float = 60) -> None:
    until = timezone.now() + timedelta(seconds=seconds)
    pause = threading.Event()
    while not is_done():
        assert timezone.now() < until
        pause.wait(0.1)


def as_admin(statement: str):
    with psycopg.connect(backup_url(), autocommit=True) as admin:
        return admin.execute(statement).fetchone()


def switch_wal() -> None:
    as_admin("SELECT pg_switch_wal()")


def received(folder) -> bool:
    ((file,),) = [as_admin("SELECT pg_walfile_name(pg_current_wal_lsn())")]
    return any(path.name.startswith(file) for path in folder.iterdir())


def drop_slot() -> None:
    wait_for(lambda: as_admin("SELECT NOT active FROM pg_replication_slots WHERE slot_name = 'signalbox_archive'")[0])
    as_admin("SELECT pg_drop_replication_slot('signalbox_archive')")
