"""A host name nobody serves here."""

import pytest

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def one_host(settings):
    settings.ALLOWED_HOSTS = ["console.example"]


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/home/", "/api/v1/balance", "/nowhere"])
def test_an_unknown_host_is_a_bad_request(client, path):
    client.raise_request_exception = False

    assert client.get(path, headers={"host": "evil.example"}).status_code == 400
