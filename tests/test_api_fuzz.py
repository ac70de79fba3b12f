"""Every operation of the document with everything that is not meant for it: an answer in shape, never a failure of ours.

Bounded and the same each time.  `SIGNALBOX_FUZZ=2000 bin/test tests/test_api_fuzz.py` looks that much further, differently
each time.
"""

import json
import os
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import jsonschema
import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.tests.factories import make_api_key
from kit.ids import uuid7
from messaging.content.models import MessageTemplate
from messaging.engine.models import Message
from messaging.engine.tests.factories import make_world
from tests.hostile import TEXTS, VALUES

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("SIGNALBOX_FUZZ", "0"))
LOOK = settings(
    max_examples=EXAMPLES or 40,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
#: Answers of the framework any address can give, whatever the document says of it.
ALWAYS = {"400", "404", "405", "406", "413", "415"}
JSON = "application/json"


@cache
def document() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)


def operations(*methods: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, found in sorted(document()["paths"].items()):
        yield from ((path, method, found[method]) for method in sorted(found) if not methods or method in methods)


def named(operation: tuple[str, str, dict[str, Any]]) -> str:
    return operation[2]["operationId"]


WITH_JSON = [one for one in operations("post") if JSON in one[2].get("requestBody", {}).get("content", {})]
EVERY = list(operations())


class Door:
    """Sends requests with a key and checks that what comes back is what the document promises."""

    def __init__(self, secret: str, ids: dict[str, str]) -> None:
        self.client = Client(raise_request_exception=True)
        self.secret, self.ids = secret, ids

    def ask(
        self, operation, *, id: str | None = None, query=None, body: Any = None, raw: bytes | None = None, headers=None
    ):
        path, method, described = operation
        url = path.replace("{id}", self.ids.get(path, str(uuid7())) if id is None else id)
        headers = {"authorization": f"Bearer {self.secret}", **(headers or {})}
        data = raw if raw is not None else as_json(body)
        answer = self.client.generic(
            method.upper(),
            url,
            b"" if method == "get" else data,
            content_type=JSON,
            headers=headers,
            query_params=query,
        )
        check(answer, described, (method, url, query, body, headers))
        return answer


def as_json(body: Any) -> bytes:
    """JSON as a careless program writes it: halves of characters as escapes, NaN as it is."""
    return json.dumps(body).encode()


def check(answer, operation: dict[str, Any], asked) -> None:
    status = str(answer.status_code)
    assert answer.status_code < 500, (asked, answer.content[:300])
    assert status in set(operation["responses"]) | ALWAYS, (asked, status, answer.content[:300])
    body = json.loads(answer.content)
    if answer.status_code >= 400:
        assert set(body) == {"error"}, (asked, body)
        assert set(body["error"]) == {"code", "message", "details"}, (asked, body)
        return
    content = operation["responses"][status]["content"][JSON]
    jsonschema.validate(body, {**content["schema"], "components": document()["components"]})


@pytest.fixture
def world(settings):
    settings.API_REQUESTS_PER_SECOND = settings.API_MESSAGES_PER_SECOND = 1_000_000
    world = make_world(funds="1000.00")
    MessageTemplate.objects.update(name="Order shipped")
    return world


@pytest.fixture
def door(world):
    message = world.accept().messages[0].id
    template = MessageTemplate.objects.get().pk
    _, secret = make_api_key(world.customer)
    return Door(secret, {"/api/v1/messages/{id}": str(message), "/api/v1/templates/{id}": str(template)})


def example_of(operation) -> list[dict[str, Any]]:
    """The bodies the document gives as examples."""
    content = operation[2]["requestBody"]["content"][JSON]
    return [example["value"] for example in content.get("examples", {}).values()] or [{}]


def some(things: list, turn: int, *, of: int) -> list:
    """A part of the list, another one each turn: all of it is tried somewhere, and everywhere when looking further."""
    return things if EXAMPLES else things[turn % of :: of]


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """Where something could be put into a body."""
    yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*path, name))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*path, 0))


def changed(body: Any, path: tuple, value: Any) -> Any:
    if not path:
        return value
    body = deepcopy(body)
    inner = body
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return body


@pytest.mark.parametrize("operation", WITH_JSON, ids=named)
def test_every_place_of_every_example_with_everything_hostile_in_it(door, operation):
    for example in example_of(operation):
        for turn, path in enumerate(places(example)):
            for value in some(VALUES, turn, of=4):
                door.ask(operation, body=changed(example, path, value))


@pytest.mark.parametrize("operation", WITH_JSON, ids=named)
def test_an_example_with_a_field_missing_or_one_too_many(door, operation):
    for example in example_of(operation):
        for name in example:
            door.ask(operation, body={other: value for other, value in example.items() if other != name})
        for extra in ("id", "organisation", "is_test", "status", "price", "__class__", "\0", "x" * 10_000):
            door.ask(operation, body={**example, extra: "x"})


@pytest.mark.parametrize("operation", [one for one in EVERY if one[2].get("parameters")], ids=named)
def test_every_parameter_with_everything_hostile_in_it(door, operation):
    for turn, parameter in enumerate(operation[2]["parameters"]):
        if parameter["in"] == "query":
            for text in some(TEXTS, turn, of=2):
                door.ask(operation, query={parameter["name"]: text.encode("utf-8", "surrogatepass")})
        if parameter["in"] == "path":
            for text in some(TEXTS, turn, of=4):
                door.ask(operation, id=as_path(text))


def as_path(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text[:200].encode("utf-8", "surrogatepass"))


HEADERS = (
    "authorization", "idempotency-key", "accept", "accept-language", "content-type", "content-encoding", "cookie", "x-forwarded-for",
    "x-request-id", "range", "if-none-match", "user-agent", "referer", "x-csrftoken",
)  # fmt: skip


@pytest.mark.parametrize(
    "operation", [one for one in EVERY if named(one) in ("get_balance", "send_messages")], ids=named
)
def test_every_header_with_everything_hostile_in_it(door, operation):
    body = example_of(operation)[0] if operation in WITH_JSON else None
    for turn, header in enumerate(HEADERS):
        for text in some(TEXTS, turn, of=5):
            latin = text[:8_000].encode("utf-8", "surrogatepass").decode("latin-1")  # what a WSGI server hands on
            door.ask(operation, body=body, headers={header: latin})


@pytest.mark.parametrize("operation", EVERY, ids=named)
def test_nobody_gets_in_without_a_key_or_with_one_that_may_not(world, door, operation):
    _, narrow = make_api_key(world.customer, ("balance:read",))
    for secret, expected in (("", {401}), ("sb_live_nobody", {401}), (narrow, {403, 200})):
        door.secret = secret
        answer = door.ask(operation, body={})
        assert answer.status_code in expected
        assert answer.status_code != 200 or named(operation) == "get_balance"
    assert Message.objects.count() == 1


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40) | st.sampled_from(TEXTS[:20]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("operation", WITH_JSON, ids=named)
@LOOK
@given(data=st.data())
def test_bodies_of_the_right_names_and_any_values(door, operation, data):
    schema = operation[2]["requestBody"]["content"][JSON]["schema"]
    if reference := schema.get("$ref"):
        schema = document()["components"]["schemas"][reference.rsplit("/", 1)[1]]
    names = st.sampled_from(sorted(schema["properties"]))
    example = data.draw(st.sampled_from([{}, *example_of(operation)]))
    door.ask(operation, body={**example, **data.draw(st.dictionaries(names, anything, max_size=4))})


@pytest.mark.parametrize("operation", WITH_JSON, ids=named)
@LOOK
@given(raw=st.binary(max_size=200) | st.text(alphabet='{}[]":,\\u0dtrue1e+-. ', max_size=60).map(str.encode))
def test_bodies_of_any_bytes(door, operation, raw):
    door.ask(operation, raw=raw)


@LOOK
@given(
    query=st.dictionaries(
        st.sampled_from(["limit", "cursor", "status", "to", "reference", "campaign"]), st.text(max_size=30)
    )
)
def test_lists_with_any_parameters(door, query):
    for operation in operations("get"):
        if "{id}" not in operation[0]:
            door.ask(operation, query={name: text.encode("utf-8", "replace") for name, text in query.items()})


def test_what_was_accepted_is_shown_as_it_was_sent(door):
    """References are stored and given back to the letter, or refused."""
    send = next(one for one in EVERY if named(one) == "send_messages")
    for text in TEXTS:
        answer = door.ask(send, body={**example_of(send)[0], "reference": text})
        if answer.status_code == 202:
            (message,) = answer.json()["messages"]
            assert message["reference"] == text
            assert Message.objects.get(pk=message["id"]).client_reference == text


UPLOADS = [one for one in operations("post") if "multipart/form-data" in str(one[2].get("requestBody"))]


@pytest.mark.parametrize("operation", UPLOADS, ids=named)
def test_an_upload_with_everything_hostile_as_its_name_and_content(door, operation):
    for text in TEXTS:
        hostile = text[:2_000].encode("utf-8", "surrogatepass")
        answer = door.client.generic(
            "POST",
            operation[0],
            multipart(name=hostile, content=hostile * 3, region=hostile[:40]),
            content_type="multipart/form-data; boundary=X",
            headers={"authorization": f"Bearer {door.secret}"},
        )
        check(answer, operation[2], hostile)


def multipart(*, name: bytes, content: bytes, region: bytes) -> bytes:
    """A form as no browser would send it: names and values go in as they are."""
    return (
        b'--X\r\nContent-Disposition: form-data; name="file"; filename="%b"\r\nContent-Type: text/csv\r\n\r\n%b\r\n'
        b'--X\r\nContent-Disposition: form-data; name="default_region"\r\n\r\n%b\r\n--X--\r\n'
    ) % (name, content, region)
