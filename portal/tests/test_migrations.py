"""T24: migrations run beside a house at work: none waits long for a lock, breaks the code of before, or ends elsewhere on the
way back and forth."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import psycopg
import pytest
from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader

from portal.operations.postgres_tools import tool
from portal.stack.keyring import in_url
from portal.tests.unsafe_migrations import problems_of

ROOMS = ("accounts", "agents", "billing", "messaging", "portal")

#: The migrations the first release was made with, or their numbers: nobody's house was at work while they ran.
FIRST_RELEASE = {
    "accounts": "0004_texts_have_a_deadline",
    "agents": "0003_rules_have_a_span_and_a_payer",
    "campaigns": "0002_walls",
    "channels": "0003",
    "content": "0003_keep_what_was_reviewed",
    "engine": "0005",
    "hooks": "0003_breaks_secrets_and_replays",
    "ledger": "0002_walls",
    "operations": "0002_counting",
    "packages": "0003_note_what_lapsed_and_was_checked",
    "payments": "0002_walls",
    "pricing": "0003_parts_make_the_price",
    "recipients": "0002_walls",
    "site": "0002",
}


def later_migrations() -> list[migrations.Migration]:
    ours = {key: one for key, one in MigrationLoader(None).disk_migrations.items() if one.__module__.startswith(ROOMS)}
    return [one for (app, name), one in sorted(ours.items()) if name > FIRST_RELEASE.get(app, "") + "~"]


def test_no_later_migration_holds_up_a_house_at_work():
    assert [problem for migration in later_migrations() for problem in problems_of(migration)] == []


def migration_of(*operations, app="engine", **attributes) -> migrations.Migration:
    made = migrations.Migration("0099_made_up", app)
    made.operations = list(operations)
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


INDEX = models.Index(fields=["code"], name="by_code")


@pytest.mark.parametrize(
    ("_case", "operation"),
    [
        ("an index that locks", migrations.AddIndex("attempt", INDEX)),
        ("the same in SQL", migrations.RunSQL("CREATE INDEX by_code ON engine_attempt (code)")),
        ("a unique one", migrations.RunSQL(["CREATE UNIQUE INDEX by_code ON engine_attempt (code)"])),
        ("a column without a value", migrations.AddField("erasure", "why", models.CharField(max_length=9, default=""))),
        ("a type", migrations.RunSQL("ALTER TABLE engine_message ALTER COLUMN body TYPE varchar(10)")),
        ("not null", migrations.RunSQL("ALTER TABLE engine_message ALTER COLUMN body SET NOT NULL")),
        ("a check", migrations.RunSQL("ALTER TABLE ledger_transfer ADD CONSTRAINT some CHECK (amount > 0)")),
        ("a constraint", migrations.AddConstraint("attempt", models.UniqueConstraint(fields=["code"], name="one"))),
        ("rows", migrations.RunSQL("UPDATE engine_message SET body = ''")),
        ("a column that goes", migrations.RemoveField("settlement", "amount")),
        ("a new name", migrations.RenameField("settlement", "amount", "sum")),
        ("a table that goes", migrations.DeleteModel("Settlement")),
        ("hidden", migrations.SeparateDatabaseAndState(database_operations=[migrations.AddIndex("attempt", INDEX)])),
    ],
)  # fmt: skip
def test_what_would_hold_it_up_is_found(_case, operation):
    assert len(problems_of(migration_of(operation))) == 1
    assert problems_of(migration_of(operation, is_safe_because="nobody reads it since the last release")) == []


@pytest.mark.parametrize(
    ("_case", "operations"),
    [
        ("an index beside the work", [AddIndexConcurrently("attempt", INDEX)]),
        ("the same in SQL", [migrations.RunSQL("CREATE INDEX CONCURRENTLY by_code ON engine_attempt (code)")]),
        ("a column with a value", [migrations.AddField("attempt", "why", models.CharField(max_length=9, db_default=""))]),
        ("a column that may be null", [migrations.AddField("attempt", "why", models.TextField(null=True))]),
        ("a check for later", [migrations.RunSQL("ALTER TABLE ledger_transfer ADD CONSTRAINT some CHECK (amount > 0) NOT VALID")]),
        ("a function that changes rows when it is called", [
            migrations.RunSQL("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ UPDATE engine_message SET body = '' $$")]),
        ("a table of its own", [
            migrations.CreateModel("Small", [("id", models.BigAutoField(primary_key=True)), ("code", models.TextField())]),
            migrations.AddIndex("small", INDEX)]),
        ("a small table", [migrations.RunSQL("UPDATE channels_route SET priority = 10")]),
    ],
)  # fmt: skip
def test_what_can_be_done_beside_the_work_is_let_through(_case, operations):
    assert problems_of(migration_of(*operations)) == []


# --- the last step of each room, under writes


@pytest.fixture(scope="module")
def house(django_db_setup, django_db_blocker) -> Iterator[str]:
    """The address of a database of its own, migrated to the end."""
    name = f"steps_{os.getpid()}"
    server = connection.settings_dict
    login = f"{server['USER']}:{in_url(server['PASSWORD'])}@{in_url(server['HOST'])}"
    url = f"postgres://{login}/{name}"
    with psycopg.connect(f"postgres://{login}/postgres", autocommit=True) as owner:
        owner.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            with psycopg.connect(url, autocommit=True) as own:
                own.execute("CREATE EXTENSION ltree")
            migrate(url)
            yield url
        finally:
            owner.execute(f"DROP DATABASE {name}")  # by force it would have to end an autovacuum, which it may not


def migrate(url: str, *target: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--noinput", "-v0", *target],
        cwd=settings.BASE_DIR, env={**os.environ, "DATABASE_URL": url, "SIGNALBOX_LOCK_TIMEOUT": "2s"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


def schema_of(url: str) -> str:
    dumped = subprocess.run(
        [tool("pg_dump"), "--schema-only", "--restrict-key=same", url], capture_output=True, text=True, check=True
    )
    return "\n".join(sorted(line.rstrip(",") for line in dumped.stdout.splitlines()))


LAST_STEPS = [("accounts", "0003_who_the_operator_is"), ("engine", "0004_claims"), ("operations", "0001_figures")]


@pytest.mark.parametrize(("room", "before"), LAST_STEPS)
def test_the_last_step_goes_back_and_forth_under_writes_and_ends_where_it_was(house, room, before):
    """Seen to fail with all policies of `operations` 0002 in one transaction: the writer and it lock each other out."""
    schema = schema_of(house)

    with writing(house) as written:
        migrate(house, room, before)
        migrate(house)

    assert schema_of(house) == schema
    assert len(written) > 10
    assert max(written) < 2.0, "a write waited for the migration's lock"


def test_an_index_of_every_day_is_gone_on_with_where_it_was_interrupted(house):
    """Seen to fail where a day that was built but not attached was taken for done."""
    migrate(house, "engine", "0008")
    columns = (
        "(campaign_id, error_code, id) INCLUDE (organisation_id) WHERE campaign_id IS NOT NULL AND error_code <> ''"
    )
    with psycopg.connect(house, autocommit=True) as owner:
        [(first,), (second,), *_] = owner.execute(DAYS).fetchall()
        owner.execute(f"CREATE INDEX message_by_campaign_and_code ON ONLY engine_message {columns}")
        for day in (first, second):
            owner.execute(f"CREATE INDEX {day}_by_campaign_and_code ON {day} {columns}")
        owner.execute(f"ALTER INDEX message_by_campaign_and_code ATTACH PARTITION {first}_by_campaign_and_code")

    migrate(house)

    with psycopg.connect(house) as owner:
        days, indexed = (
            owner.execute(f"SELECT count(*) FROM ({asked}) AS one").fetchone() for asked in (DAYS, INDEXED)
        )
        whole = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'message_by_campaign_and_code'::regclass"
        assert (indexed, owner.execute(whole).fetchone()) == (days, (True,))


def test_policies_are_gone_on_with_where_that_was_interrupted(house):
    """Seen to fail where the views were made as if nobody had begun."""
    migrate(house)
    schema = schema_of(house)
    migrate(house, "operations", "0003")
    step = import_module("portal.operations.migrations.0004_a_short_way_to_the_tree")
    with psycopg.connect(house, autocommit=True) as owner:
        owner.execute(step.VIEW.format(**step.WAYS[0]))
        was, now = step.IN_THE_TREE.format(**step.WAYS[0]), step.NOW_THE_VIEW.format(**step.WAYS[0])
        changes = owner.execute(step.CHANGED, {"was": was, "now": now}).fetchall()
        for (change,) in changes[: len(changes) // 2]:
            owner.execute(change)

    migrate(house)

    assert schema_of(house) == schema


def test_a_policy_that_is_busy_is_tried_again(house):
    """Somebody reads a table, as a long report does, until the migration has given up waiting for it once.

    Seen to fail without another try.
    """
    migrate(house, "operations", "0003")
    with psycopg.connect(house) as report:
        report.execute("SELECT count(*) FROM ledger_transfer")
        reader = threading.Thread(target=read_until_given_up, args=(house, report))
        reader.start()
        migrate(house)
        reader.join()

    with psycopg.connect(house) as owner:
        asked = "SELECT count(*) FROM pg_policies WHERE concat(qual, with_check) ~ 'FROM accounts_organisation o'"
        assert owner.execute(asked).fetchone() == (0,)


def test_a_policy_in_other_words_is_named_and_stays(house):
    """One that somebody added by hand: left as it is, it would be planned the long way for ever and nobody would know."""
    migrate(house, "operations", "0003")
    with psycopg.connect(house, autocommit=True) as owner:
        owner.execute(
            "CREATE POLICY web_by_hand ON ledger_transfer FOR SELECT TO signalbox_web"
            " USING (organisation_id IN (SELECT id FROM accounts_organisation))"
        )
        try:
            with pytest.raises(AssertionError, match=r"not written as was expected: .*'web_by_hand'"):
                migrate(house)
        finally:
            owner.execute("DROP POLICY web_by_hand ON ledger_transfer")

    migrate(house)


def read_until_given_up(url: str, report: psycopg.Connection) -> None:
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'ledger_transfer'::regclass"
    with psycopg.connect(url, autocommit=True) as onlooker:
        for is_waiting in (True, False):
            until = time.monotonic() + 60
            while bool(onlooker.execute(waits).fetchone()[0]) != is_waiting and time.monotonic() < until:
                pass
    report.rollback()


DAYS = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'engine_message'::regclass ORDER BY 1"
INDEXED = "SELECT inhrelid FROM pg_inherits WHERE inhparent = 'message_by_campaign_and_code'::regclass"


@contextmanager
def writing(url: str) -> Iterator[list[float]]:
    """Somebody keeps writing as the code of before would, into columns that were there before; how long each write took."""
    stopped, took, failed = threading.Event(), [], []

    def go_on() -> None:
        try:
            with psycopg.connect(url, autocommit=True) as worker:
                worker.execute("SET ROLE signalbox_engine")
                while not stopped.is_set():
                    began = time.monotonic()
                    with worker.transaction():
                        for statement in AS_BEFORE:
                            worker.execute(statement)
                    took.append(time.monotonic() - began)
        except psycopg.Error as error:
            failed.append(error)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield took
    finally:
        stopped.set()
        thread.join()
    assert failed == []


AS_BEFORE = (
    """INSERT INTO engine_attempt (message_id, number, organisation_id, channel_id, reference, outcome, parts, code,
        carrier_reference, started_at, ended_at)
    SELECT uuidv7(), 1, uuidv7(), uuidv7(), 7, 1, 1, '', '', now(), now() FROM generate_series(1, 20)""",
    """INSERT INTO engine_message (id, organisation_id, channel_id, price, validity_until, status, segments, is_unicode, is_test,
        sender, recipient, country, category, currency, body)
    SELECT uuidv7(), uuidv7(), uuidv7(), 0, now(), 20, 1, false, true, '', '', 'GB', 'notice', 'GBP', ''
    FROM generate_series(1, 20)""",
    """INSERT INTO engine_queueentry (message_id, organisation_id, channel_id, lane, due_at)
    SELECT uuidv7(), uuidv7(), uuidv7(), 1, now() FROM generate_series(1, 20)""",
    """INSERT INTO engine_trafficcount (organisation_id, hour, channel_id, country, category, currency, status, error_code,
        messages, segments, amount, latency_ms, is_squashed)
    VALUES (uuidv7(), now(), uuidv7(), 'GB', 'notice', 'GBP', 20, '', 1, 1, 0, 0, false)""",
    "UPDATE accounts_organisation SET name = name",
)
