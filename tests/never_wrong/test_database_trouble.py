"""The database goes at any statement of a request: 503 with Retry-After, nothing half done, and the retry does it once."""

import json
import os
import shutil
import subprocess
import tempfile
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import OperationalError, connection
from django.test import Client

from accounts.tests.factories import make_api_key
from billing.ledger.books import problems
from billing.ledger.models import Account
from kit.money import money
from kit.tests.sessions import lose_connection
from messaging.engine.models import IdempotencyRecord, Message, QueueEntry
from messaging.engine.tests.factories import make_world
from portal.operations.postgres_tools import backup_url
from portal.stack.identity import server_identity
from tests.chaos.house import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nobody_answers")]
TROUBLE = "portal.site.middleware.DatabaseTroubleMiddleware"
#: What PostgreSQL says when it can't go on, by its own codes.
STATES = {
    "40P01": "deadlock",
    "40001": "serialization failure",
    "55P03": "lock timeout",
    "57014": "statement timeout",
    "53100": "disk full",
    "53200": "out of memory",
    "57P01": "shutting down",
    "25006": "read only, as a standby is",
}


@pytest.fixture
def world():
    return make_world(template="Ready")


@pytest.fixture
def post(world):
    """Sends one message under a key, again and again the same."""
    secret = make_api_key(world.customer)[1]
    body = json.dumps({"template": "Ready", "messages": [{"to": "+447911123456", "variables": {"name": "Ada"}}]})
    client = Client(raise_request_exception=False)

    def post(key="order-1"):
        headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": key}
        return client.post("/api/v1/messages", body, content_type="application/json", headers=headers)

    return post


def server():
    """A session of our own beside the request's, as the owner."""
    password = connection.settings_dict["PASSWORD"]
    return psycopg.connect(connection.connection.info.dsn, password=password, options="", autocommit=True)


def superuser():
    """The same as the one who may do everything."""
    return psycopg.connect(backup_url(), dbname=connection.settings_dict["NAME"], autocommit=True)


class Striking:
    """Runs `strike` right before the statement at one place of a request."""

    def __init__(self, place, strike):
        self.place, self.strike, self.seen = place, strike, 0

    def __call__(self, execute, sql, params, many, context):
        self.seen += 1
        if self.seen == self.place:
            self.strike()
        return execute(sql, params, many, context)


def is_clean_refusal(answer):
    assert answer.status_code == 503, answer.content
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["error"]["code"] == "unavailable"
    assert b"Traceback" not in answer.content and b"psycopg" not in answer.content
    return True


def is_nothing_stored(world):
    assert Message.objects.count() == QueueEntry.objects.count() == IdempotencyRecord.objects.count() == 0
    assert world.balance(Account.Kind.WALLET) == money("10.00")
    return True


def is_done_once(world):
    assert Message.objects.count() == QueueEntry.objects.count() == IdempotencyRecord.objects.count() == 1
    assert world.balance(Account.Kind.HOLD) == money("0.04")
    assert problems() == []
    return True


def fail_with(state):
    def strike():
        with connection.connection.cursor() as cursor:
            cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'trouble' USING ERRCODE = '{state}'; END $$")

    return strike


def wrapped(strike):
    """As Django would raise it."""

    def strike_as_django():
        with connection.wrap_database_errors:
            strike()

    return strike_as_django


@pytest.mark.parametrize("place", range(1, 13))
def test_a_session_ended_at_any_statement_leaves_nothing_and_the_retry_does_it_once(world, post, place):
    with connection.execute_wrapper(Striking(place, lose_connection)):
        answer = post()

    if answer.status_code == 202:
        pytest.skip("the request has fewer statements")
    assert is_clean_refusal(answer)
    assert is_nothing_stored(world)
    assert post().status_code == 202
    assert is_done_once(world)


@pytest.mark.parametrize("state", STATES, ids=STATES.get)
def test_whatever_the_database_says_when_it_cannot_go_on(world, post, state):
    with connection.execute_wrapper(Striking(6, wrapped(fail_with(state)))):
        assert is_clean_refusal(post())

    assert is_nothing_stored(world)
    assert post().status_code == 202
    assert is_done_once(world)


@pytest.mark.parametrize("timeout", ["lock_timeout", "statement_timeout"])
def test_a_lock_somebody_keeps_is_waited_for_only_so_long(world, post, timeout):
    post()  # opens the pot, and notes the key's use
    with server() as other, other.transaction():
        other.execute("LOCK TABLE ledger_account")
        with connection.cursor() as cursor:
            cursor.execute(f"SET {timeout} = '200ms'")
        assert is_clean_refusal(post("order-2"))

    connection.close()
    assert is_done_once(world)


class Rival:
    """Somebody who has locked the purse, and wants the queue as soon as the request wants the purse."""

    def __init__(self, session):
        self.session, self.thread = session, None
        session.execute("SELECT 1 FROM ledger_account FOR UPDATE")

    def __call__(self, execute, sql, params, many, context):
        if self.thread is None and "FROM ledger_account WHERE id = ANY" in str(sql):
            self.thread = threading.Thread(target=self.want_the_queue)
            self.thread.start()
            wait_until(self.waits, seconds=10, what="the other one waits for us")
        return execute(sql, params, many, context)

    def want_the_queue(self):
        self.session.execute("LOCK TABLE engine_queueentry IN SHARE MODE")

    def waits(self):
        with superuser() as witness:
            pid = self.session.info.backend_pid
            return bool(witness.execute("SELECT 1 FROM pg_locks WHERE NOT granted AND pid = %s", [pid]).fetchone())


def test_a_real_deadlock_is_told_to_the_caller_and_leaves_nothing(world, post):
    with superuser() as other, other.transaction(force_rollback=True):
        other.execute("SET LOCAL deadlock_timeout = '1min'")  # so that it is the request that finds out
        rival = Rival(other)
        with connection.execute_wrapper(rival):
            assert is_clean_refusal(post())
        rival.thread.join()

    assert is_nothing_stored(world)
    assert post().status_code == 202
    assert is_done_once(world)


def test_with_all_connections_used_up_callers_are_told_to_come_back(world, post):
    name = connection.settings_dict["NAME"]
    post()
    with server() as other:
        other.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT 0')
        connection.close()
        try:
            assert is_clean_refusal(post())
        finally:
            other.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT -1')

    assert post().status_code == 202
    assert is_done_once(world)


# --- a disk that is full


@contextmanager
def small_disk(megabytes=16):
    """A file system of its own that PostgreSQL may keep tables on."""
    place = Path(tempfile.mkdtemp(dir="/tmp"))  # noqa: S108  where whoever runs the server may look
    place.chmod(0o755)
    mounted = subprocess.run(
        [shutil.which("mount") or "mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", place],
        capture_output=True,
        check=False,
    )
    try:
        if mounted.returncode:
            pytest.skip(f"a file system can't be mounted here: {mounted.stderr.decode().strip()}")
        server_identity().own(place)
        place.chmod(0o700)
        yield place
    finally:
        subprocess.run([shutil.which("umount") or "umount", place], capture_output=True, check=False)
        place.rmdir()


@pytest.fixture
def crowded():
    """Today's messages lie on a disk with no room left; what takes the room."""
    if os.geteuid():
        pytest.skip("only root may mount a small disk")
    today, small = f"engine_message_{datetime.now(UTC):%Y%m%d}", f"small_{os.getpid()}"
    with small_disk() as place, superuser() as owner:
        owner.execute(f"CREATE TABLESPACE {small} LOCATION '{place}'")
        owner.execute(f"ALTER TABLE {today} SET TABLESPACE {small}")
        owner.execute(f"CREATE TABLE filler (bytes text) TABLESPACE {small}")
        owner.execute("ALTER TABLE filler ALTER bytes SET STORAGE PLAIN")
        with pytest.raises(psycopg.errors.DiskFull):
            while True:
                owner.execute("INSERT INTO filler SELECT repeat('x', 7000) FROM generate_series(1, 50)")
        for _ in range(50):  # to the last page
            with suppress(psycopg.errors.DiskFull):
                owner.execute("INSERT INTO filler VALUES (repeat('x', 7000))")
        yield owner
        owner.execute("DROP TABLE IF EXISTS filler")
        owner.execute(f"ALTER TABLE {today} SET TABLESPACE pg_default")
        owner.execute(f"DROP TABLESPACE {small}")


def test_a_disk_that_is_really_full_is_told_to_the_caller_and_all_goes_on_when_there_is_room(world, post, crowded):
    for _ in range(3):
        assert is_clean_refusal(post())
    assert is_nothing_stored(world)

    crowded.execute("DROP TABLE filler")

    assert post().status_code == 202
    assert is_done_once(world)


# --- the last word


def test_a_session_ended_before_the_commit_leaves_nothing(world, post, monkeypatch):
    commit = connection._commit

    def end_and_commit():
        if Message.objects.exists():
            lose_connection()
        return commit()

    monkeypatch.setattr(connection, "_commit", end_and_commit)
    assert is_clean_refusal(post())
    monkeypatch.undo()

    assert is_nothing_stored(world)
    assert post().status_code == 202
    assert is_done_once(world)


def test_a_commit_whose_answer_was_lost_is_found_by_its_key(world, post, monkeypatch):
    commit = connection._commit

    def commit_and_lose():
        is_ours = Message.objects.exists()
        commit()
        if is_ours:
            raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(connection, "_commit", commit_and_lose)
    answer = post()
    monkeypatch.undo()

    assert answer.status_code == 503
    assert post().status_code == 202
    assert is_done_once(world)


def test_the_console_shows_a_page(world):
    with connection.execute_wrapper(Striking(1, lose_connection)):
        answer = Client(raise_request_exception=False).get("/accounts/login/")

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert b"back in a moment" in answer.content
    assert Client().get("/accounts/login/").status_code == 200


def test_sabotage_without_its_middleware_trouble_is_a_bug_of_ours(world, post, settings):
    settings.MIDDLEWARE = [one for one in django_settings.MIDDLEWARE if one != TROUBLE]

    with connection.execute_wrapper(Striking(6, lose_connection)):
        assert post().status_code == 500
