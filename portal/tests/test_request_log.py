"""What the log says of a request: one line, and the address it truly came from."""

import logging

import pytest

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines(caplog):
    """What was logged of requests, as structlog gave it away."""
    caplog.set_level(logging.INFO)
    return lambda: [one.msg for one in caplog.records if one.name.startswith("django_structlog")]


def test_a_request_is_one_line_when_it_is_answered(client, lines):
    client.get("/accounts/login/")

    [line] = lines()
    assert (line["event"], line["request"], line["code"]) == ("request_finished", "GET /accounts/login/", 200)
    assert line["request_id"]


def test_a_caller_cannot_choose_the_address_in_the_log(client, lines, settings):
    client.get("/accounts/login/", REMOTE_ADDR="192.0.2.7", HTTP_X_FORWARDED_FOR="198.51.100.1")
    settings.TRUSTED_PROXY_COUNT = 1
    client.get("/accounts/login/", REMOTE_ADDR="192.0.2.7", HTTP_X_FORWARDED_FOR="203.0.113.9, 198.51.100.1")

    assert [line["ip"] for line in lines()] == ["192.0.2.7", "198.51.100.1"]
