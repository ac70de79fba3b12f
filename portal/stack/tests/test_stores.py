import os

import psycopg
import pytest

from portal.stack.database import ENGINE_GROUP, OWNER, PORTAL, WEB_GROUP, WORKER, prepare_external
from portal.stack.errors import StackError
from portal.stack.outside import needs_sandbox
from portal.stack.stores import External, external_from, with_login


def test_nothing_set_means_everything_embedded():
    external = external_from({})

    assert not external.has_database
    assert external.needs_valkey


def test_valkey_is_left_out_only_when_broker_and_cache_are_both_external():
    assert external_from({"CELERY_BROKER_URL": "amqp://broker"}).needs_valkey
    assert not external_from({"CELERY_BROKER_URL": "amqp://broker", "CACHE_URL": "redis://cache"}).needs_valkey


@pytest.mark.parametrize(
    "environment",
    [
        {"DATABASE_URL": "postgres://o@db/s", "DATABASE_WEB_URL": "postgres://w@db/s"},
        {"DATABASE_WEB_URL": "postgres://w@db/s", "DATABASE_WORKER_URL": "postgres://k@db/s"},
        {"DATABASE_URL": "mysql://o@db/s"},
    ],
)
def test_addresses_that_cannot_work_are_refused(environment):
    with pytest.raises(StackError):
        external_from(environment)


def test_given_logins_are_used_as_given():
    environment = {"DATABASE_URL": "postgres://o@db/s", "DATABASE_WEB_URL": "postgres://w@db/s"}

    external = external_from({**environment, "DATABASE_WORKER_URL": "postgres://k@db/s"})

    assert external == External(owner="postgres://o@db/s", web="postgres://w@db/s", worker="postgres://k@db/s")
    assert external.has_logins


def test_another_login_reaches_the_same_database():
    url = "postgres://owner:p%40ss@%2Frun%2Fpg:5433/house?sslmode=require"

    assert with_login(url, "portal", "s3/cret") == "postgres://portal:s3%2Fcret@%2Frun%2Fpg:5433/house?sslmode=require"


def test_the_sandbox_steps_back_for_real_stripe():
    assert needs_sandbox({})
    assert not needs_sandbox({"STRIPE_API_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"})
    with pytest.raises(StackError, match="STRIPE_WEBHOOK_SECRET"):
        needs_sandbox({"STRIPE_API_KEY": "sk_test_1"})


def test_no_login_of_the_house_may_pass_row_level_security():
    rows = roles("select rolname, rolsuper or rolbypassrls or rolcreaterole from pg_roles where rolname = any(%s)")

    assert rows == dict.fromkeys((OWNER, PORTAL, WORKER, WEB_GROUP, ENGINE_GROUP), False)


def test_the_worker_is_nothing_until_it_takes_a_role():
    rows = roles(
        "select roleid::regrole || ' to ' || member::regrole, inherit_option from pg_auth_members"
        " where member::regrole::text = any(%s)"
    )

    assert rows[f"{WEB_GROUP} to {PORTAL}"] is True
    assert rows[f"{WEB_GROUP} to {WORKER}"] is False
    assert rows[f"{ENGINE_GROUP} to {WORKER}"] is False
    assert f"{ENGINE_GROUP} to {PORTAL}" not in rows


def test_an_external_owner_without_the_right_to_make_roles_is_told_what_to_do():
    with pytest.raises(StackError, match="CREATEROLE"):
        prepare_external(os.environ["DATABASE_URL"], passwords={PORTAL: "unused", WORKER: "unused"})


def test_an_external_server_that_is_away_is_told(tmp_path):
    with pytest.raises(StackError, match="cannot be reached"):
        prepare_external(f"postgres://o@/s?host={tmp_path}", passwords={PORTAL: "unused", WORKER: "unused"})


def roles(query):
    names = [OWNER, PORTAL, WORKER, WEB_GROUP, ENGINE_GROUP]
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        return dict(connection.execute(query, [names]).fetchall())
