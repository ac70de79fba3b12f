import re

import pytest
from django.core import mail
from django.test import Client

from accounts.models import Brand, Membership, Organisation, User
from accounts.tests.factories import PASSWORD, make_agent, make_customer, make_member, make_operator, make_user, sign_in

pytestmark = pytest.mark.django_db

FORM = {
    "organisation": "Meadowlark Ltd",
    "name": "Mina Lark",
    "email": "Mina@Meadowlark.example",
    "password1": PASSWORD,
    "country": "DE",
}


@pytest.fixture
def client():
    return Client()


def link_in(letter) -> str:
    return re.search(r"https?://[^/\s]+(/\S+)", letter.body).group(1)


def sign_up(client, **fields):
    return client.post("/accounts/signup/", {**FORM, **fields})


def test_signing_up_confirming_the_address_and_signing_in_opens_the_console(client):
    operator = make_operator()

    assert sign_up(client).status_code == 302
    assert client.post(link_in(mail.outbox[0])).status_code == 302
    answer = client.post("/accounts/login/", {"login": "mina@meadowlark.example", "password": PASSWORD})
    assert answer["Location"] == "/home/"
    assert client.get("/settings/").status_code == 200

    organisation = Organisation.objects.get(name="Meadowlark Ltd")
    assert organisation.parent == operator
    assert (organisation.currency, organisation.time_zone, organisation.country) == ("EUR", "Europe/Berlin", "DE")
    assert organisation.status == "trial"
    membership = Membership.objects.get(organisation=organisation)
    assert (membership.user.email, membership.role, membership.user.name) == (
        "mina@meadowlark.example", "owner", "Mina Lark",
    )  # fmt: skip


def test_nobody_gets_in_before_their_address_is_confirmed(client):
    make_operator()
    sign_up(client)

    answer = client.post("/accounts/login/", {"login": "mina@meadowlark.example", "password": PASSWORD})

    assert answer["Location"] == "/accounts/confirm-email/"
    assert client.get("/home/")["Location"].startswith("/accounts/login/")


def test_under_an_agents_host_name_customers_become_the_agents(client):
    agent = make_agent()
    with agent.scope():
        Brand.objects.create(organisation=agent, name="Kestrel", host="sms.kestrel.example")

    client.post("/accounts/signup/", FORM, headers={"host": "sms.kestrel.example:8443"})

    assert Organisation.objects.get(name="Meadowlark Ltd").parent == agent


def test_a_known_address_gets_a_mail_and_no_second_organisation(client):
    make_operator()
    make_user(email="mina@meadowlark.example")

    answer = sign_up(client)

    assert answer["Location"] == "/accounts/confirm-email/"
    assert User.objects.count() == 1
    assert not Organisation.objects.filter(name="Meadowlark Ltd").exists()
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    "_case, fields",
    [
        ("no organisation", {"organisation": ""}),
        ("a country we do not know", {"country": "XX"}),
        ("a NUL byte", {"organisation": "Mea\0dow"}),
        ("a password everybody uses", {"password1": "password123"}),
        ("not an address", {"email": "mina"}),
    ],
)
def test_what_cannot_be_used_leaves_nothing_behind(_case, fields, client):
    make_operator()

    answer = sign_up(client, **fields)

    assert answer.status_code == 200
    assert b'role="alert"' in answer.content
    assert not User.objects.exists()
    assert Organisation.objects.count() == 1


def test_a_password_reset_mail_leads_to_a_new_password(client):
    organisation = make_customer()
    user = make_member(organisation).user

    client.post("/accounts/password/reset/", {"email": user.email})
    answer = client.get(link_in(mail.outbox[0]), follow=True)
    new = {"password1": "another battery horse", "password2": "another battery horse"}
    client.post(answer.request["PATH_INFO"], new)

    answer = client.post("/accounts/login/", {"login": user.email, "password": "another battery horse"})
    assert answer["Location"] == "/home/"


def test_switching_shows_the_other_organisation_and_only_ones_own(client):
    first, second, stranger = make_customer(name="First"), make_customer(name="Second"), make_customer()
    user = make_member(first).user
    make_member(second, "finance", user=user)
    sign_in(client, user)
    assert client.get("/home/").wsgi_request.organisation == first

    answer = client.post("/switch/", {"organisation": str(second.pk), "next": "/profile/"})

    assert answer["Location"] == "/profile/"
    assert client.get("/profile/").wsgi_request.organisation == second
    assert client.post("/switch/", {"organisation": str(stranger.pk)}).status_code == 404
    assert client.post("/switch/", {"organisation": "not an id"}).status_code == 404
    assert client.get("/profile/").wsgi_request.organisation == second


def test_switching_never_leads_out_of_the_house(client):
    organisation = make_customer()
    sign_in(client, make_member(organisation).user)

    answer = client.post("/switch/", {"organisation": str(organisation.pk), "next": "https://evil.example/"})

    assert answer["Location"] == "/home/"


def test_somebody_without_a_team_is_told_so(client):
    sign_in(client, make_user())

    answer = client.get("/settings/team/")

    assert answer.status_code == 403
    assert b"You are in no team" in answer.content
    assert client.get("/profile/").status_code == 200


def test_the_profile_decides_the_language(client):
    sign_in(client, make_member(make_customer()).user)

    answer = client.post("/profile/", {"name": "Mina", "locale": "zh-hans"})

    assert answer["Location"] == "/profile/"
    assert client.get("/profile/")["Content-Language"] == "zh-hans"
