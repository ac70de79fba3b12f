import re

import pytest
from django.core.mail import EmailMessage, get_connection

from accounts.api import authenticate_key
from accounts.models import ApiKey
from accounts.tests.factories import make_api_key, make_customer, signed_in
from kit import tenancy

pytestmark = pytest.mark.django_db

FORM = {"name": "Shop", "is_live": "test", "scopes": ["messages:send", "messages:read"], "networks": "192.0.2.0/24\n"}


def test_a_new_keys_secret_is_shown_once():
    organisation = make_customer()
    developer = signed_in(organisation, "developer")

    answer = developer.post("/settings/api-keys/new/", FORM)
    page = developer.get(answer["Location"])
    again = developer.get(answer["Location"])

    (secret,) = set(re.findall(r"sb_test_[\w-]{43}", page.content.decode()))
    assert "no-store" in page["Cache-Control"]
    assert secret not in again.content.decode()
    with tenancy.undecided():
        key = authenticate_key(secret, "192.0.2.1").key
    assert (key.is_live, key.networks, key.organisation) == (False, ["192.0.2.0/24"], organisation)


@pytest.mark.parametrize(
    "_case, fields, text",
    [
        ("no name", {"name": ""}, "Name"),
        ("no scope", {"scopes": []}, "Scopes"),
        ("a scope beyond the role", {"scopes": ["campaigns:write"]}, "Scopes"),
        ("not a network", {"networks": "here"}, "is not an IP address or network"),
        ("yesterday", {"expires_at": "2020-01-01"}, "This is in the past"),
    ],
)
def test_what_cannot_be_used_is_said_beside_its_field(_case, fields, text):
    developer = signed_in(make_customer(), "developer")

    answer = developer.post("/settings/api-keys/new/", {**FORM, **fields})

    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()
    assert text in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_revoking_asks_first_and_ends_the_key():
    organisation = make_customer()
    developer = signed_in(organisation, "developer")
    key, _ = make_api_key(organisation)

    assert b"Requests with it are refused at once" in developer.get(f"/settings/api-keys/{key.pk}/revoke/").content
    key.refresh_from_db()
    assert key.revoked_at is None
    developer.post(f"/settings/api-keys/{key.pk}/revoke/")
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert b"Revoked" in developer.get("/settings/api-keys/").content


def test_the_key_list_keeps_its_query_budget(django_assert_max_num_queries):
    organisation = make_customer()
    developer = signed_in(organisation, "developer")
    developer.get("/settings/api-keys/")
    for _ in range(5):
        make_api_key(organisation)

    with django_assert_max_num_queries(14):
        assert developer.get("/settings/api-keys/").status_code == 200


def test_a_laptops_mail_can_be_read_in_its_browser(client, settings, tmp_path):
    settings.SHOW_MAILBOX, settings.EMAIL_FILE_PATH = True, tmp_path
    connection = get_connection("django.core.mail.backends.filebased.EmailBackend")
    for number in (1, 2):
        link = f"https://signalbox.localhost/confirm/{number}"
        EmailMessage(
            f"Letter {number}", f"Open {link} <b>", "a@b.example", ["c@d.example"], connection=connection
        ).send()

    page = client.get("/dev/mail").content.decode()

    assert page.index("Letter 2") < page.index("Letter 1")
    assert 'href="https://signalbox.localhost/confirm/1"' in page
    assert "&lt;b&gt;" in page


@pytest.mark.parametrize(
    "_case, shown, address", [("production", False, "127.0.0.1"), ("from outside", True, "192.0.2.1")]
)
def test_the_mail_is_shown_nowhere_else(_case, shown, address, client, settings):
    settings.SHOW_MAILBOX = shown

    assert client.get("/dev/mail", REMOTE_ADDR=address).status_code == 404


def test_after_signing_up_on_a_laptop_the_page_says_where_the_mail_is(client, settings):
    settings.SHOW_MAILBOX = True
    assert b'href="/dev/mail"' in client.get("/accounts/confirm-email/").content

    settings.SHOW_MAILBOX = False
    assert b"/dev/mail" not in client.get("/accounts/confirm-email/").content
