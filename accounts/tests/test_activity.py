"""Where a session was last seen is noted when it tells something new, not with every page."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.utils import timezone

from accounts import activity
from accounts.tests.factories import make_customer, signed_in

pytestmark = pytest.mark.django_db


def look(client, browser: str) -> None:
    assert client.get("/profile/", headers={"user-agent": browser}).status_code == 200


def signed_in_somebody():
    return signed_in(make_customer())


def seen_long_ago() -> None:
    UserSession.objects.update(last_seen_at=timezone.now() - timedelta(hours=1))


def test_a_session_is_listed_with_its_first_page():
    client = signed_in_somebody()

    look(client, "Firefox")

    session = UserSession.objects.get()
    assert session.session_key == client.session.session_key
    assert session.user_agent == "Firefox"


def test_pages_within_a_minute_are_not_written_down():
    client = signed_in_somebody()
    look(client, "Firefox")
    seen_long_ago()

    look(client, "Firefox")

    assert timezone.now() - UserSession.objects.get().last_seen_at > timedelta(minutes=59)


def test_another_browser_is_noted_at_once():
    client = signed_in_somebody()
    look(client, "Firefox")

    look(client, "Safari")

    assert UserSession.objects.get().user_agent == "Safari"


def test_a_page_after_a_minute_is_noted(monkeypatch):
    monkeypatch.setattr(activity, "NOTED_EVERY_SECONDS", 0.0)
    client = signed_in_somebody()
    look(client, "Firefox")
    seen_long_ago()

    look(client, "Firefox")

    assert timezone.now() - UserSession.objects.get().last_seen_at < timedelta(minutes=1)


def test_going_back_to_the_browser_before_is_noted_too():
    client = signed_in_somebody()

    for browser in ("Firefox", "Safari", "Firefox"):
        look(client, browser)

    assert UserSession.objects.get().user_agent == "Firefox"


def test_forgetting_what_was_noted_costs_no_more_than_noting_it_again(monkeypatch):
    monkeypatch.setattr(activity, "MOST_REMEMBERED", 1)
    one, other = signed_in_somebody(), signed_in_somebody()

    for client in (one, other, one):
        look(client, "Firefox")

    assert UserSession.objects.count() == 2
