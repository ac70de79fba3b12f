import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from django.test import Client
from redis.exceptions import ConnectionError as CacheAway


def away(error):
    def fail(*args, **kwargs):
        raise error

    return fail


@pytest.mark.django_db
def test_an_open_house_is_ok():
    answer = Client().get("/healthz")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": True, "cache": True}
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_without_the_cache_it_is_degraded_and_open(monkeypatch):
    monkeypatch.setattr(cache, "set", away(CacheAway()))

    answer = Client().get("/healthz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"


@pytest.mark.django_db
def test_without_the_database_it_is_closed(monkeypatch):
    monkeypatch.setattr(connection, "cursor", away(OperationalError("server closed the connection")))

    answer = Client().get("/healthz")

    assert answer.status_code == 503
    assert answer.json()["status"] == "unavailable"


@pytest.mark.django_db
def test_a_page_without_the_database_asks_to_come_back(monkeypatch):
    monkeypatch.setattr("kit.tenancy.scope._apply", away(OperationalError("server closed the connection")))

    answer = Client(raise_request_exception=False).get("/accounts/login/")

    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert b"back in a moment" in answer.content
