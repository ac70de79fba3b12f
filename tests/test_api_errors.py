"""Whatever goes wrong under /api/, the answer has one shape, and says no more than it should."""

import json

import pytest
from django.db import OperationalError
from django.test import Client

from accounts.tests.factories import make_agent, make_api_key, make_customer
from kit.ids import uuid7
from messaging.content.models import MessageTemplate
from messaging.engine.models import Message
from messaging.engine.tests.factories import make_world

pytestmark = pytest.mark.django_db
V1 = "/api/v1"


def keyed(organisation, scopes=None, **options) -> Client:
    _, secret = make_api_key(organisation, scopes, **options) if scopes else make_api_key(organisation, **options)
    return Client(headers={"authorization": f"Bearer {secret}"}, raise_request_exception=False)


@pytest.fixture
def customer():
    return make_customer()


@pytest.fixture
def api(customer):
    return keyed(customer)


def refusal(answer, status: int, code: str) -> dict:
    """The details of a refusal that is exactly that."""
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"].startswith("application/json")
    body = json.loads(answer.content)
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "details"}
    assert body["error"]["code"] == code
    assert body["error"]["message"]
    return body["error"]["details"]


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1", "/api/v1/", "/api/v2/messages", "/api/v1/x", "/api/v1/messages/x", "/api/v1/%00"]
)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_unknown_address_is_not_found(api, path, method):
    refusal(getattr(api, method)(path), 404, "not_found")


@pytest.mark.parametrize("path", ["/messages", "/balance", "/templates", "/senders", "/campaigns"])
@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_a_method_an_address_does_not_know_is_refused_with_those_it_knows(api, path, method):
    answer = getattr(api, method)(V1 + path)

    refusal(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]


def test_a_caller_who_wants_no_json_is_refused(api):
    refusal(api.get(V1 + "/balance", headers={"accept": "text/html"}), 406, "not_acceptable")


def test_a_body_that_is_not_sent_as_json_is_refused(api):
    answer = api.post(V1 + "/templates", "name=x", content_type="application/x-www-form-urlencoded")

    refusal(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize("path", ["/messages", "/templates"])
@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe{", b'{"name": "\\ud800"}', b"[" * 100_000, b'{"a":' * 5_000, b"null", b"[]", b"5"]
)
def test_malformed_json_is_refused(api, path, body):
    details = refusal(api.post(V1 + path, body, content_type="application/json"), 422, "invalid")

    assert "fields" in details


@pytest.mark.parametrize("path", ["/messages", "/templates", "/campaigns"])
def test_a_body_that_is_too_large_is_refused(api, path):
    body = json.dumps({"name": "x" * (4 * 1024 * 1024)})

    details = refusal(api.post(V1 + path, body, content_type="application/json"), 413, "too_large")

    assert details["limit"] == 4 * 1024 * 1024


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "api_key_missing"),
        ("Basic dTpw", "api_key_missing"),
        ("Bearer", "api_key_missing"),
        ("Bearer sb_live_nobody", "api_key_unknown"),
        ("Bearer " + "x" * 5_000, "api_key_unknown"),
        ("Bearer \u00e9", "api_key_unknown"),
    ],
)
@pytest.mark.parametrize("path", ["/messages", "/balance"])
def test_a_caller_without_a_key_learns_nothing(client, header, code, path):
    answer = client.get(V1 + path, headers={"authorization": header})

    refusal(answer, 401, code)
    assert "Bearer" in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_key_without_the_scope_is_told_which_it_needs(customer, method):
    api = keyed(customer, ("campaigns:write",))

    details = refusal(getattr(api, method)(V1 + "/messages", {}, content_type="application/json"), 403, "scope_missing")

    assert details["scope"] == {"get": "messages:read", "post": "messages:send"}[method]


def test_an_unknown_host_is_a_bad_request(api, settings):
    settings.ALLOWED_HOSTS = ["signalbox.test"]

    refusal(api.get(V1 + "/balance", headers={"host": "evil.example"}), 400, "bad_request")


def test_a_database_that_is_away_is_a_reason_to_try_again(api, monkeypatch):
    def away(organisation):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr("billing.api.wallet_of", away)

    answer = api.get(V1 + "/balance")

    refusal(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_mistake_of_ours_tells_nothing_of_itself(api, monkeypatch):
    def broken(organisation):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("billing.api.wallet_of", broken)

    answer = api.get(V1 + "/balance")

    refusal(answer, 500, "internal")
    assert b"secret detail" not in answer.content


def test_errors_follow_the_callers_language(api):
    answer = api.get(V1 + "/messages/" + str(uuid7()), headers={"accept-language": "zh-hans"})

    refusal(answer, 404, "not_found")


def test_another_tenants_ids_are_answered_like_ids_that_do_not_exist():
    world = make_world()
    message = world.accept().messages[0].id
    template = MessageTemplate.objects.get().pk
    strangers = [keyed(make_customer()), keyed(make_agent()), keyed(world.agent), keyed(world.operator)]

    for api in strangers:
        for path, id in (("messages", message), ("templates", template)):
            theirs, nobodys = api.get(f"{V1}/{path}/{id}"), api.get(f"{V1}/{path}/{uuid7()}")
            refusal(theirs, 404, "not_found")
            assert theirs.content == nobodys.content
        listed = api.get(V1 + "/messages").json(), api.get(V1 + "/templates").json()
        assert listed == ({"messages": [], "next": None}, {"templates": [], "next": None})
        by_sender = {"to": "+447911123456", "text": "x", "sender": str(world.sender.pk)}
        no_sender = {**by_sender, "sender": str(uuid7())}
        answers = [api.post(V1 + "/messages", one, content_type="application/json") for one in (by_sender, no_sender)]
        assert answers[0].status_code == 404
        assert answers[0].content == answers[1].content
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=-1", "limit=1e3", "limit=%D9%A3", "limit=" + "9" * 5_000, "cursor=x", "cursor=%00", "status=x",
     "campaign=1", "to=%00", "reference=%00", "cursor=" + "f" * 5_000],
)  # fmt: skip
def test_a_parameter_that_cannot_be_used_is_named(api, query):
    details = refusal(api.get(f"{V1}/messages?{query}"), 422, "invalid")

    assert list(details["fields"]) == [query.partition("=")[0]]


def test_fields_within_fields_are_named_by_their_place(api):
    body = {
        "name": "A",
        "category": "notice",
        "text": "Hi {a}",
        "variables": [{"name": "a", "example": "A"}, {"name": "b"}],
    }

    details = refusal(api.post(V1 + "/templates", body, content_type="application/json"), 422, "invalid")

    assert list(details["fields"]) == ["variables[1].example"]


def test_head_answers_like_get(api):
    answer = api.head(V1 + "/balance")

    assert (answer.status_code, answer.content) == (200, b"")
