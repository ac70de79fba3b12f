"""/api/v1/recipient-files and /api/v1/campaigns, as a program uses them."""

import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.tests.factories import make_api_key
from messaging.campaigns import tasks
from messaging.campaigns.models import Campaign, RecipientFile
from messaging.campaigns.tests.factories import SAMPLES, make_file, make_started, make_world, people
from messaging.engine.models import Message

pytestmark = pytest.mark.django_db
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())


class Caller:
    """A program with a key of the world's customer."""

    def __init__(self, organisation, **key) -> None:
        _key, secret = make_api_key(organisation, **key)
        self.client = Client()
        self.headers = {"authorization": f"Bearer {secret}"}

    def get(self, path: str, **query):
        return self.client.get(f"/api/v1/{path}", query, headers=self.headers)

    def post(self, path: str, body=None, **headers):
        return self.client.post(
            f"/api/v1/{path}", body if body is not None else {}, "application/json", headers=self.headers | headers
        )  # fmt: skip

    def upload(self, content: bytes, name: str = "list.csv", **fields):
        data = {"file": SimpleUploadedFile(name, content), **fields}
        return self.client.post("/api/v1/recipient-files", data, headers=self.headers)


@pytest.fixture
def caller(world):
    return Caller(world.customer)


def campaign_request(world, file_id, **changes) -> dict:
    body = {
        "name": "Autumn",
        "file": str(file_id),
        "template": str(world.wording.template_id),
        "variables": {"name": {"column": "name"}},
    }
    return body | changes


def test_a_campaign_from_upload_to_its_numbers(world, caller, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        uploaded = caller.upload(people(4, first=10).encode())
    assert uploaded.status_code == 202
    assert uploaded.json()["status"] in ("uploaded", "read")
    file = caller.get(f"recipient-files/{uploaded.json()['id']}").json()
    assert (file["status"], file["tally"]["valid"], file["columns"]) == ("read", 4, ["name"])

    with django_capture_on_commit_callbacks(execute=True):
        started = caller.post("campaigns", campaign_request(world, file["id"]))
    assert started.status_code == 201
    assert (started.json()["status"], started.json()["recipients"]) == ("sending", 4)
    tasks.sweep_campaigns()

    campaign = caller.get(f"campaigns/{started.json()['id']}").json()
    assert campaign["status"] == "sent"
    assert campaign["progress"] == {
        "percent": 100, "reachable": 4, "handed_over": 4, "delivered": 4, "waiting": 0, "failed": 0, "no_receipt": 0,
        "not_sent": 0, "left_out": 0, "failures": {},
    }  # fmt: skip
    assert campaign["money"] == {"currency": "GBP", "spent": "0.16", "held": "0", "returned": "0"}
    assert [one["id"] for one in caller.get("campaigns").json()["campaigns"]] == [campaign["id"]]


def test_the_sample_gives_what_is_expected(world, caller, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        uploaded = caller.upload((SAMPLES / "recipients-gb18030.csv").read_bytes(), default_region="CN")

    file = caller.get(f"recipient-files/{uploaded.json()['id']}").json()

    assert {key: file["tally"][key] for key in EXPECTED if key in file["tally"]} == {
        key: value for key, value in EXPECTED.items() if key in file["tally"]
    }
    assert (file["encoding"], file["columns"]) == ("gb18030", ["姓名", "订单号", "金额", "城市"])


def test_a_refused_file_tells_why(caller, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        uploaded = caller.upload(b"\x89PNG\r\n\x1a\n" + bytes(100))

    file = caller.get(f"recipient-files/{uploaded.json()['id']}").json()

    assert (file["status"], file["tally"]) == ("refused", None)
    assert file["refusal"]["code"] == "file_is_binary"


def test_the_same_key_gives_the_same_campaign(world, caller):
    file = make_file(world.customer, people(2))
    body = campaign_request(world, file.pk)

    first = caller.post("campaigns", body, **{"idempotency-key": "autumn-1"})
    again = caller.post("campaigns", body, **{"idempotency-key": "autumn-1"})
    other = caller.post("campaigns", body | {"name": "Winter"}, **{"idempotency-key": "autumn-1"})

    assert (first.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert other.json()["error"]["code"] == "idempotency_key_reused"
    assert Campaign.objects.count() == 1


def test_it_can_start_later_and_be_paused_resumed_and_cancelled(world, caller):
    file = make_file(world.customer, people(2))
    later = (timezone.now() + timedelta(hours=1)).isoformat()
    scheduled = caller.post("campaigns", campaign_request(world, file.pk, starts_at=later)).json()
    assert scheduled["status"] == "scheduled"
    assert caller.post(f"campaigns/{scheduled['id']}/pause").json()["error"]["code"] == "campaign_state"
    assert caller.post(f"campaigns/{scheduled['id']}/cancel").json()["status"] == "cancelled"

    campaign = make_started(world)
    assert caller.post(f"campaigns/{campaign.pk}/pause").json()["status"] == "paused"
    assert caller.post(f"campaigns/{campaign.pk}/resume").json()["status"] == "sending"


def test_a_test_key_reaches_no_carrier_and_costs_nothing(world, django_capture_on_commit_callbacks):
    caller = Caller(world.customer, is_live=False)
    file = make_file(world.customer, people(2, first=10))

    with django_capture_on_commit_callbacks(execute=True):
        started = caller.post("campaigns", campaign_request(world, file.pk)).json()

    assert started["is_test"] is True
    assert set(Message.objects.values_list("is_test", "quote_id")) == {(True, None)}


def test_a_balance_that_does_not_reach_says_what_is_missing_and_makes_nothing(caller, world):
    file = make_file(world.customer, people(300))

    refused = caller.post("campaigns", campaign_request(world, file.pk))

    assert refused.status_code == 402
    assert refused.json()["error"]["details"] == {
        "needed": "12", "available": "10", "currency": "GBP", "shortfall": "2",
    }  # fmt: skip
    assert not Campaign.objects.exists()


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"file": "x"}, 422, "file"),
        ({"file": None}, 422, "file"),
        ({"template": ""}, 422, "template"),
        ({"template": "no such"}, 404, None),
        ({"sender": "no such"}, 404, None),
        ({"variables": []}, 422, "variables"),
        ({"variables": {"name": "Ada"}}, 422, "variables.name"),
        ({"variables": {}}, 422, "variables"),
        ({"variables": {"name": {"column": "nowhere"}}}, 422, "variables"),
        ({"variables": {"name": {"text": "x" * 501}}}, 422, "variables.name.text"),
        ({"variables": {str(number): {"text": "x"} for number in range(10_000)}}, 422, "variables"),
        ({"starts_at": "yesterday"}, 422, "starts_at"),
        ({"starts_at": "2001-01-01T00:00:00Z"}, 422, "starts_at"),
        ({"name": "x" * 121}, 422, "name"),
        ({"name": "a\x00b"}, 422, "name"),
        ({"name": 7.5, "file": {"a": 1}}, 422, "file"),
    ],
)
def test_what_cannot_be_is_refused_by_field_and_leaves_nothing(world, caller, changes, status, field):
    file = make_file(world.customer, people(2))

    refused = caller.post("campaigns", campaign_request(world, file.pk, **changes))

    assert refused.status_code == status, refused.content
    if field:
        assert field in refused.json()["error"]["details"]["fields"]
    assert not Campaign.objects.exists()


def test_a_template_and_a_sender_that_both_cannot_be_used_are_both_named(world, caller):
    file = make_file(world.customer, people(2))

    refused = caller.post("campaigns", campaign_request(world, file.pk, template="no such", sender="neither"))

    assert refused.status_code == 404
    assert list(refused.json()["error"]["details"]["fields"]) == ["template", "sender"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'"x"', b"[" * 50_000])
def test_bodies_that_are_no_request_are_refused(caller, body):
    refused = caller.client.post("/api/v1/campaigns", body, "application/json", headers=caller.headers)

    assert 400 <= refused.status_code < 500
    assert refused.json()["error"]["code"]


def test_uploads_that_are_none_are_refused(caller, settings):
    settings.UPLOAD_LIMIT_BYTES = 1000
    assert caller.upload(b"7" * 5000).status_code == 413
    assert caller.upload(b"").json()["error"]["code"] == "file_empty"
    assert caller.upload(b"07400123456", default_region="XX").status_code == 422
    assert caller.client.post("/api/v1/recipient-files", {"file": "text"}, headers=caller.headers).status_code == 422
    assert caller.post("recipient-files", {"file": "x"}).status_code == 415
    assert not RecipientFile.objects.exists()


def test_a_file_that_is_being_read_cannot_be_used_yet(world, caller):
    file = make_file(world.customer, people(2))
    RecipientFile.objects.update(status="reading")

    refused = caller.post("campaigns", campaign_request(world, file.pk))

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "file_not_ready")


def test_anothers_ids_are_not_found(world, caller):
    other = make_world()
    campaign = make_started(other)

    for path in (f"campaigns/{campaign.pk}", f"recipient-files/{campaign.file_id}"):
        assert caller.get(path).status_code == 404
    for act in ("pause", "resume", "cancel"):
        assert caller.post(f"campaigns/{campaign.pk}/{act}").status_code == 404
    assert caller.post("campaigns", campaign_request(world, campaign.file_id)).status_code == 404
    assert caller.get("campaigns").json()["campaigns"] == []


def test_a_key_without_the_scope_is_refused(world):
    caller = Caller(world.customer, scopes=("messages:read",))

    assert caller.get("campaigns").status_code == 403
    assert caller.upload(people(1).encode()).status_code == 403
    assert caller.post("campaigns", {}).status_code == 403


def test_the_list_keeps_its_query_budget(world, caller, django_assert_max_num_queries):
    for _ in range(2):
        make_started(world)
    caller.get("campaigns")
    with django_assert_max_num_queries(20) as few:
        caller.get("campaigns")
    for _ in range(3):
        make_started(world)

    with django_assert_max_num_queries(len(few.captured_queries)):
        assert len(caller.get("campaigns", limit=50).json()["campaigns"]) == 5
