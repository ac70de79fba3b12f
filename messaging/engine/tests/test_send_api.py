"""POST /api/v1/messages and what can be read afterwards, at the URL."""

import json
from uuid import uuid4

import pytest

from accounts.tests.factories import make_api_key
from billing.ledger.models import Account
from kit.money import money
from messaging.content.models import SenderId
from messaging.content.tests.factories import approved_version, draft_sender
from messaging.engine.dispatch import drain
from messaging.engine.models import IdempotencyRecord, Message, TrafficCount
from messaging.engine.receipts import fold_all
from messaging.engine.states import Status
from messaging.engine.tests.factories import make_world

pytestmark = pytest.mark.django_db
URL = "/api/v1/messages"


@pytest.fixture
def world():
    return make_world(template="Ready")


@pytest.fixture
def post(world, client):
    _, secret = make_api_key(world.customer)
    return _poster(client, secret)


def _poster(client, secret):
    def post(body, **headers):
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        headers = {"Authorization": f"Bearer {secret}", **headers}
        return client.post(URL, data, content_type="application/json", headers=headers)

    return post


def one(**changes):
    return {"to": "+447911123456", "template": "Ready", "variables": {"name": "Ada"}, **changes}


def test_one_message_is_accepted_and_stored(world, post):
    answer = post(one(reference="order-1"))

    assert answer.status_code == 202, answer.content
    (message,) = answer.json()["messages"]
    assert message["to"] == "+447911123456"
    assert message["reference"] == "order-1"
    assert (message["segments"], message["price"]) == (1, "0.04")
    assert Message.objects.get(pk=message["id"]).client_reference == "order-1"


def test_a_thousand_messages_are_accepted_at_once(world, post):
    many = [{"to": f"+4479111{number:05d}", "variables": {"name": f"N{number}"}} for number in range(1000)]
    world.fund("100.00")

    answer = post({"template": "Ready", "messages": many})

    assert answer.status_code == 202, answer.content
    assert len(answer.json()["messages"]) == Message.objects.count() == 1000
    assert world.balance(Account.Kind.HOLD) == money("40.00")


def test_free_text_that_was_approved_is_sent(world, post):
    answer = post({"to": "+447911123456", "text": "Hello Grace, it is ready."})

    assert answer.status_code == 202, answer.content
    assert Message.objects.get().body.endswith("Hello Grace, it is ready.")


def test_free_text_nobody_approved_is_refused(world, post):
    answer = post({"to": "+447911123456", "text": "Win a prize now"})

    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "not_approved"
    assert Message.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (one(to="12"), "to"),
        (one(to="+44\x00"), "to"),
        (one(to=None), "to"),
        (one(to=447911123456), "to"),
        (one(unknown=1), ""),
        (one(variables={"name": 5}), "variables[...]"),
        (one(text="x"), "template"),
        (one(template=None), "template"),
        ({"template": "Ready", "messages": []}, "messages"),
        ({"template": "Ready", "messages": [{"to": "+447911123456"}] * 1001}, "messages"),
        ({"template": "Ready", "messages": [{"to": 5}]}, "messages[0].to"),
        ({"template": "Ready", "messages": [{"variables": {}}]}, "messages[0]"),
        (one(reference="x" * 65), "reference"),
    ],
)
def test_what_cannot_be_used_is_named(world, post, body, field):
    answer = post(body)

    assert answer.status_code == 422, answer.content
    details = answer.json()["error"]["details"]
    named = list(details.get("fields", {})) or [problem["field"] for problem in details["messages"]]
    assert field in named, details
    assert Message.objects.count() == 0


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"{", b"[]", b"[" * 100_000, b'{"to":"\\ud800"}', b"null", b"5"])
def test_what_is_no_json_object_is_refused(world, post, body):
    answer = post(body)

    assert answer.status_code == 422, answer.content
    assert answer.json()["error"]["code"] == "invalid"


def test_every_bad_message_of_many_is_named_and_nothing_is_sent(world, post):
    answer = post(
        {
            "template": "Ready",
            "messages": [
                {"to": "+447911123456", "variables": {"name": "Ada"}},
                {"to": "nobody", "variables": {"name": "Ada"}},
                {"to": "+442079460000", "variables": {"name": "Ada"}},
            ],
        }
    )

    assert answer.status_code == 422
    problems = answer.json()["error"]["details"]["messages"]
    assert [problem["index"] for problem in problems] == [1, 2]
    assert [problem["typed"] for problem in problems] == ["nobody", "+442079460000"]
    assert Message.objects.count() == 0


def test_a_missing_value_names_the_message_and_the_variable(world, post):
    answer = post({"template": "Ready", "messages": [{"to": "+447911123456", "variables": {"nmae": "Ada"}}]})

    problems = answer.json()["error"]["details"]["messages"]
    assert {(problem["index"], problem["field"]) for problem in problems} == {(0, "name"), (0, "nmae")}


def test_too_little_money_refuses_everything_and_says_how_much_is_missing(world, post):
    many = [{"to": f"+4479111{number:05d}", "variables": {"name": "Ada"}} for number in range(300)]

    answer = post({"template": "Ready", "messages": many})

    assert answer.status_code == 402
    assert answer.json()["error"]["code"] == "insufficient_balance"
    assert Message.objects.count() == 0
    assert world.balance(Account.Kind.WALLET) == money("10.00")


def test_the_same_key_gives_the_same_messages(world, post):
    headers = {"Idempotency-Key": "k1"}

    first, second = post(one(), **headers), post(one(), **headers)

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    assert Message.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(world, post):
    post(one(), **{"Idempotency-Key": "k1"})

    answer = post(one(to="+447911123457"), **{"Idempotency-Key": "k1"})

    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "idempotency_key_reused"
    assert Message.objects.count() == 1


def test_a_refused_request_leaves_its_key_unused(world, post):
    post(one(to="nobody"), **{"Idempotency-Key": "k1"})

    assert IdempotencyRecord.objects.count() == 0
    assert post(one(), **{"Idempotency-Key": "k1"}).status_code == 202


def test_a_key_of_another_organisation_is_another_key(world, post, client):
    other = make_world(template="Ready")
    _, secret = make_api_key(other.customer)
    post(one(), **{"Idempotency-Key": "k1"})

    answer = _poster(client, secret)(one(), **{"Idempotency-Key": "k1"})

    assert answer.status_code == 202, answer.content
    assert Message.objects.count() == 2


def test_what_a_test_key_sent_is_not_the_answer_to_a_live_one(world, post, client):
    _, secret = make_api_key(world.customer, is_live=False)
    assert _poster(client, secret)(one(), **{"Idempotency-Key": "k1"}).status_code == 202

    answer = post(one(), **{"Idempotency-Key": "k1"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("key", ["k" * 256, "a\tb"])
def test_a_key_that_cannot_be_one_is_refused(world, post, key):
    assert post(one(), **{"Idempotency-Key": key}).status_code == 422


def test_a_test_key_never_reaches_a_carrier_and_costs_nothing(world, client):
    _, secret = make_api_key(world.customer, is_live=False)

    answer = _poster(client, secret)(one())
    drain(channel_id=world.channel.pk)
    fold_all()

    message = Message.objects.get(pk=answer.json()["messages"][0]["id"])
    assert (message.is_test, message.state) == (True, Status.DELIVERED)
    assert not TrafficCount.objects.exists(), "trying things out is no traffic"
    assert world.balance(Account.Kind.WALLET) == money("10.00")


def test_without_the_scope_nothing_is_sent(world, client):
    _, secret = make_api_key(world.customer, scopes=("messages:read",))

    answer = _poster(client, secret)(one())

    assert answer.status_code == 403
    assert Message.objects.count() == 0


def test_another_tenants_template_is_as_if_it_did_not_exist(world, client):
    other = make_world()
    _, secret = make_api_key(other.customer)

    foreign = _poster(client, secret)(one(template=str(world.wording.template_id)))
    missing = _poster(client, secret)(one(template=str(uuid4())))

    assert foreign.status_code == missing.status_code == 404
    assert foreign.json()["error"]["code"] == missing.json()["error"]["code"]


@pytest.mark.parametrize("write", [str, lambda id: str(id).upper(), lambda id: id.hex, lambda id: id.hex.upper()])
def test_an_id_is_one_with_or_without_hyphens_in_small_letters_or_capitals(world, post, write):
    for template in (world.wording.template_id, world.wording.id):
        answer = post(one(template=write(template), sender=write(world.sender.pk)))

        assert answer.status_code == 202, answer.content


def test_a_template_whose_name_looks_like_an_id_is_found_where_no_template_has_that_id(world, post):
    named = uuid4().hex
    approved_version(world.customer, name=named, body="From {name} with digits")
    approved_version(world.customer, name=world.wording.template_id.hex, body="From {name} with another's id")

    for template in (named, world.wording.template_id.hex):
        assert post(one(template=template, sender=str(world.sender.pk))).status_code == 202

    assert [message.body for message in Message.objects.order_by("pk")] == [
        "【Kestrel】From Ada with digits",
        "【Kestrel】Hello Ada, it is ready.",
    ]


@pytest.mark.parametrize("sender", [None, "no such", "its id"])
def test_a_template_and_a_sender_that_both_cannot_be_used_are_both_named(world, post, sender):
    draft = draft_sender(world.customer, name="Heron")
    SenderId.objects.filter(pk=world.sender.pk).update(status="draft")

    answer = post(one(template="no such", sender=str(draft.pk) if sender == "its id" else sender))

    assert answer.status_code == 404, answer.content
    error = answer.json()["error"]
    why = {
        None: "No sender is approved yet.",
        "no such": "There is no approved sender with this id or name.",
        "its id": "Sender 【Heron】 is not approved yet. Submit it for review, or choose an approved one.",
    }
    assert error["details"]["fields"] == {
        "template": "There is no approved template with this id or name.",
        "sender": why[sender],
    }
    assert error["message"] == " ".join(error["details"]["fields"].values())
    assert Message.objects.count() == 0


def test_messages_are_read_by_id_and_page_by_page(world, post, client):
    _, secret = make_api_key(world.customer)
    headers = {"Authorization": f"Bearer {secret}"}
    ids = [post(one(reference=f"r{n}")).json()["messages"][0]["id"] for n in range(3)]

    first = client.get(URL, {"limit": 2}, headers=headers).json()
    rest = client.get(URL, {"limit": 2, "cursor": first["next"]}, headers=headers).json()

    assert [message["id"] for message in first["messages"] + rest["messages"]] == ids[::-1]
    assert rest["next"] is None
    found = client.get(f"{URL}/{ids[0]}", headers=headers).json()
    assert (found["reference"], found["status"], found["text"]) == (
        "r0",
        "queued",
        "【Kestrel】Hello Ada, it is ready.",
    )


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "x"}, {"cursor": "x"}, {"status": "sent"}, {"to": "\0"}, {"limit": "²"}]
)
def test_a_bad_filter_is_named(world, client, query):
    _, secret = make_api_key(world.customer)

    answer = client.get(URL, query, headers={"Authorization": f"Bearer {secret}"})

    assert answer.status_code == 422
    assert list(answer.json()["error"]["details"]["fields"]) == list(query)


def test_another_tenants_message_is_not_found(world, post, client):
    id = post(one()).json()["messages"][0]["id"]
    _, secret = make_api_key(make_world().customer)

    answer = client.get(f"{URL}/{id}", headers={"Authorization": f"Bearer {secret}"})

    assert answer.status_code == 404
