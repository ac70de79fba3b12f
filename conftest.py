"""The ground every test stands on: a database made by its owner, used under the roles the product uses."""

import psycopg
import pytest
from django.conf import settings
from django.db import connections
from django.test import TransactionTestCase
from django.utils import translation

from kit import breaker
from portal.celery import app

ENGINE_BY_DEFAULT = " -c role=signalbox_engine"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """After the owner has migrated, tests themselves run as the engine; requests and tasks take their own roles."""
    with django_db_blocker.unblock():
        connection = connections["default"]
        connection.close()
        connection.settings_dict["OPTIONS"]["options"] += ENGINE_BY_DEFAULT
    yield
    with django_db_blocker.unblock():
        connection.close()
        options = connection.settings_dict["OPTIONS"]
        options["options"] = options["options"].removesuffix(ENGINE_BY_DEFAULT)


@pytest.fixture(autouse=True)
def nothing_of_the_test_before():
    """A request leaves its language behind, and a neighbour that was found away is left alone for a while."""
    translation.activate(settings.LANGUAGE_CODE)
    breaker.CACHE.reset()
    breaker.BROKER.reset()


@pytest.fixture
def nobody_answers():
    """Rings wait at the broker: what is rung for is done by nobody but the test."""
    app.conf.task_always_eager = False
    yield
    app.conf.task_always_eager = True


def _empty_tables(*_) -> None:
    """Leave the database as the migrations made it.  Only the owner can: history refuses everybody else."""
    connection = connections["default"]
    options = {**connection.get_connection_params()}
    options["options"] = options["options"].replace(ENGINE_BY_DEFAULT, "")
    options.pop("cursor_factory", None)
    options.pop("context", None)
    with psycopg.connect(**options, autocommit=True) as owner, owner.transaction():
        tables = [name for (name,) in owner.execute(_TABLES)]
        guards = owner.execute(_APPEND_ONLY).fetchall()
        for table, _trigger in guards:
            owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        owner.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE")
        for table, _trigger in guards:
            owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


_TABLES = """
    SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
        AND NOT c.relispartition AND c.relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission')
"""
_APPEND_ONLY = """
    SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE NOT t.tgisinternal AND t.tgname LIKE '%append_only'
"""
TransactionTestCase._fixture_teardown = _empty_tables
