"""Somebody's own sessions: where they are signed in, and signing all the others out."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.tests.factories import make_customer, make_member, make_user, sign_in

pytestmark = pytest.mark.django_db

LIST = "/accounts/sessions/"
OTHERS = "Sign out the other sessions"


@pytest.fixture
def person():
    return make_member(make_customer()).user


def browser(person, name: str) -> Client:
    """Signed in there, and seen."""
    client = sign_in(Client(headers={"user-agent": name}), person)
    assert client.get("/profile/").status_code == 200
    return client


def browsers(person, *, count: int) -> list[Client]:
    return [browser(person, f"Browser {number}") for number in range(count)]


def listed(client: Client) -> str:
    answer = client.get(LIST)
    assert answer.status_code == 200
    return answer.content.decode()


def row_of(page: str, name: str) -> str:
    return next(row for row in page.split("<tr") if name in row)


def is_let_in(client: Client) -> bool:
    return client.get("/profile/").status_code == 200


def statements_of(ask) -> int:
    with CaptureQueriesContext(connection) as asked:
        ask()
    return len(asked)


def test_every_session_is_listed_and_this_one_is_marked(person):
    firefox, _safari = browser(person, "Firefox"), browser(person, "Safari")

    page = listed(firefox)

    assert "This one" in row_of(page, "Firefox")
    assert "This one" not in row_of(page, "Safari")


def test_sessions_are_listed_in_the_order_they_began(person):
    clients = browsers(person, count=3)

    page = listed(clients[0])

    assert page.index("Browser 0") < page.index("Browser 1") < page.index("Browser 2")


def test_nobody_else_is_listed(person):
    browser(make_member(make_customer()).user, "Elsewhere")

    page = listed(browser(person, "Firefox"))

    assert "Elsewhere" not in page


def end_in_the_database(session: Session) -> None:
    session.delete()


def let_expire(session: Session) -> None:
    Session.objects.filter(pk=session.pk).update(expire_date=timezone.now() - timedelta(seconds=1))


def scribble(session: Session) -> None:
    Session.objects.filter(pk=session.pk).update(session_data="made:up")


def empty(session: Session) -> None:
    data = Session.get_session_store_class()().encode({})
    Session.objects.filter(pk=session.pk).update(session_data=data)


def give_to_another(session: Session) -> None:
    theirs = sign_in(Client(), make_user()).session
    data = Session.objects.get(pk=theirs.session_key).session_data
    Session.objects.filter(pk=session.pk).update(session_data=data)


def enter_by_another_way(session: Session) -> None:
    store = Session.get_session_store_class()(session.pk)
    store["_auth_user_backend"] = "some.other.Backend"
    store.save()


@pytest.mark.parametrize(
    "end", [end_in_the_database, let_expire, scribble, empty, give_to_another, enter_by_another_way]
)
def test_a_session_that_lets_nobody_in_is_not_shown_and_is_forgotten(person, end):
    firefox, safari = browser(person, "Firefox"), browser(person, "Safari")
    end(Session.objects.get(pk=safari.session.session_key))

    page = listed(firefox)

    assert "Safari" not in page
    assert OTHERS not in page
    assert [session.user_agent for session in UserSession.objects.all()] == ["Firefox"]


def test_sessions_from_before_the_password_changed_are_not_shown(person):
    browser(person, "Safari")
    person.set_password("another horse battery")
    person.save()

    page = listed(browser(person, "Firefox"))

    assert "Firefox" in page
    assert "Safari" not in page


def test_a_session_under_the_secret_before_is_still_listed(person, settings):
    browser(person, "Safari")
    before = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new secret" * 5, [before]

    page = listed(browser(person, "Firefox"))

    assert "Safari" in page


def test_signing_the_others_out_leaves_this_one(person):
    here, *others = browsers(person, count=3)

    answer = here.post(LIST, follow=True)

    assert OTHERS not in answer.content.decode()
    assert is_let_in(here)
    assert not any(is_let_in(other) for other in others)
    assert [session.user_agent for session in UserSession.objects.all()] == ["Browser 0"]


def test_signing_the_others_out_ends_nobody_elses(person):
    elsewhere = browser(make_member(make_customer()).user, "Elsewhere")

    browser(person, "Firefox").post(LIST)

    assert is_let_in(elsewhere)
    assert UserSession.objects.filter(user_agent="Elsewhere").exists()


def test_nobody_signed_in_is_sent_to_sign_in(client):
    answer = client.get(LIST)

    assert answer.status_code == 302
    assert answer.url.startswith("/accounts/login/")


def test_many_sessions_are_listed_with_as_many_statements_as_two(person):
    here = browsers(person, count=2)[0]
    listed(here)
    of_two = statements_of(lambda: listed(here))
    browsers(person, count=10)

    assert statements_of(lambda: listed(here)) == of_two


def test_many_ended_sessions_are_forgotten_with_one_statement(person):
    here, *others = browsers(person, count=12)
    listed(here)
    of_none = statements_of(lambda: listed(here))
    Session.objects.filter(pk__in=[other.session.session_key for other in others]).delete()

    assert statements_of(lambda: listed(here)) == of_none + 1


def test_many_sessions_are_ended_with_as_many_statements_as_one(person):
    here = browsers(person, count=2)[0]
    of_one = statements_of(lambda: here.post(LIST))
    browsers(person, count=10)

    assert statements_of(lambda: here.post(LIST)) == of_one
