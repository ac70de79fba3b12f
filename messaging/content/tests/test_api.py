"""/api/v1/templates and /api/v1/senders at the door."""

import pytest
from django.test import Client

from accounts.tests.factories import make_api_key, make_customer
from messaging.content.models import MessageTemplate, Review
from messaging.content.tests.factories import approved_sender, approved_version, rejected_version

pytestmark = pytest.mark.django_db

NEW = {
    "name": "Parcel",
    "category": "notice",
    "text": "Hi {name}",
    "variables": [{"name": "name", "example": "Amelia", "max_length": 30}],
}


def api(organisation, *scopes):
    _key, secret = make_api_key(organisation, scopes or ("templates:read", "templates:write"))
    return Client(headers={"authorization": f"Bearer {secret}"})


def test_templates_are_listed_with_their_approved_version_and_reasons():
    customer = make_customer()
    approved_version(make_customer())
    sent_back = rejected_version(customer, name="Sale", reasons=["prize"])
    live = approved_version(customer, name="Parcel", body="Hi {name}")

    answer = api(customer).get("/api/v1/templates").json()

    newest, oldest = answer["templates"]
    assert newest["approved"]["id"] == str(live.pk) and newest["approved"]["text"] == "Hi {name}"
    assert (oldest["approved"], oldest["latest"]["status"], oldest["latest"]["reasons"]) == (
        None,
        "rejected",
        ["prize"],
    )
    one = api(customer).get(f"/api/v1/templates/{sent_back.template_id}").json()
    assert one == oldest | {"versions": [oldest["latest"]]}


def test_submitting_a_template_puts_it_in_the_queue():
    customer = make_customer()

    answer = api(customer).post("/api/v1/templates", NEW, content_type="application/json")

    assert answer.status_code == 201
    assert answer.json()["latest"]["status"] == "submitted" and answer.json()["approved"] is None
    assert Review.objects.get().version.template_id == MessageTemplate.objects.get().pk


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"name": "\ud83d"}, ""),
        ({"name": ["x"]}, "name"),
        ({"category": "spam"}, "category"),
        ({"category": None}, "category"),
        ({"text": "Hi {"}, "text"),
        ({"text": "Hi\u202e {name}"}, "text"),
        ({"text": "Hi \udc00{name}"}, ""),
        ({"text": {"a": 1}}, "text"),
        ({"variables": "name"}, "variables"),
        ({"variables": [{"name": f"v{n}", "example": "a"} for n in range(10_000)]}, "variables"),
        ({"variables": [{"name": "name", "example": "a", "max_length": 10**9}]}, "variables[0].max_length"),
        ({"variables": []}, "variables"),
    ],
)
def test_unusable_input_is_named_and_leaves_nothing(change, field):
    customer = make_customer()

    answer = api(customer).post("/api/v1/templates", NEW | change, content_type="application/json")

    assert answer.status_code == 422
    assert list(answer.json()["error"]["details"]["fields"]) == [field]
    assert not MessageTemplate.objects.exists()


def test_a_strangers_template_does_not_exist():
    version = approved_version(make_customer())

    answer = api(make_customer()).get(f"/api/v1/templates/{version.template_id}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_a_key_needs_the_scope():
    client = api(make_customer(), "messages:read")

    for method, path in (("get", "templates"), ("post", "templates"), ("get", "senders")):
        assert getattr(client, method)(f"/api/v1/{path}").json()["error"]["code"] == "scope_missing"


def test_pages_follow_each_other():
    customer = make_customer()
    names = [approved_version(customer).template.name for _ in range(5)]
    client, found, cursor = api(customer), [], ""

    while cursor is not None:
        page = client.get("/api/v1/templates", {"limit": 2, "cursor": cursor}).json()
        found += [template["name"] for template in page["templates"]]
        cursor = page["next"]

    assert found == names[::-1]
    assert client.get("/api/v1/templates?cursor=x").status_code == 422


def test_senders_are_listed():
    customer = make_customer()
    sender = approved_sender(customer)

    answer = api(customer).get("/api/v1/senders").json()

    (shown,) = answer["senders"]
    assert (shown["id"], shown["name"], shown["kind"], shown["status"]) == (
        str(sender.pk),
        "Kestrel",
        "signature",
        "approved",
    )
