"""A session is what the database says at this moment, and nothing else."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.sessions import SessionStore
from accounts.tests.factories import make_customer, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def client():
    client = signed_in(make_customer())
    assert client.get("/profile/").status_code == 200
    return client


def is_let_in(client) -> bool:
    return client.get("/profile/").status_code == 200


def test_a_session_that_was_ended_opens_nothing_from_the_next_page_on(client):
    Session.objects.all().delete()

    assert not is_let_in(client)


def test_a_session_past_its_time_opens_nothing(client):
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))

    assert not is_let_in(client)


def test_a_session_somebody_wrote_into_opens_nothing(client):
    Session.objects.update(session_data="made:up")

    assert not is_let_in(client)


def test_an_unknown_key_is_given_up():
    store = SessionStore("never-heard-of-it")

    assert dict(store.items()) == {}
    assert store.session_key is None


def test_what_is_kept_is_read_again(client):
    store = SessionStore(client.session.session_key)
    store["seen"] = [1, "two"]
    store.save()

    assert SessionStore(client.session.session_key)["seen"] == [1, "two"]


def test_reading_one_takes_one_statement(client, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert SessionStore(client.session.session_key)["_auth_user_id"]
