"""The OpenAPI document, the resolver and the written documentation say the same."""

import importlib
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import get_resolver
from django.urls.resolvers import URLResolver
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from standardwebhooks.webhooks import Webhook

from accounts.rules.permissions import KEY_SCOPES
from kit.errors import DomainError
from messaging.channels.types.simulator import channel as simulator
from messaging.content.rules.variables import check_values, specs_from
from messaging.engine.api.requests import read_request
from messaging.engine.states import Status
from messaging.hooks.bodies import EVENTS, new_secret
from messaging.hooks.rules.pauses import PAUSES
from messaging.recipients.rules.numbers import REASONS, Unusable, parse_number
from portal.site.demo.wordings import SHIPPED
from portal.site.views import SEND

ROOT = Path(settings.BASE_DIR)
ERRORS, API = (ROOT / "docs" / name for name in ("errors.md", "api.md"))
EXAMPLE_ON_PAGES = ROOT / "templates" / "site" / "_api_example.html"
METHODS = {"get", "post", "put", "patch", "delete"}
#: The two addresses that are about the API and not of it.
ABOUT = {"/api/v1/openapi.json", "/api/v1/docs"}
#: Answers of the framework and of the last middleware, which no class of ours names.
BEYOND = {
    "bad_request": 400,
    "internal": 500,
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "unavailable": 503,
    "unsupported_media_type": 415,
}


@pytest.fixture(scope="module")
def document():
    return SchemaGenerator().get_schema(request=None, public=True)


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield path, method, operation


def served(patterns=None, before="/"):
    """Every address below /api/ and the methods its view answers."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        address = before + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from served(pattern.url_patterns, address)
        elif address.startswith("/api/") and address not in ABOUT:
            view = pattern.callback.view_class
            yield from ((address, method) for method in METHODS if hasattr(view, method))


def test_the_document_is_valid_openapi_3_1(document):
    assert document["openapi"].startswith("3.1")
    validate_schema(document)


def test_every_address_and_method_is_in_the_document_and_the_other_way_round(document):
    assert {(path, method) for path, method, _ in operations(document)} == set(served())


def test_every_operation_names_itself_its_key_its_refusals_and_an_answer(document):
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    for path, method, operation in operations(document):
        where = f"{method} {path}"
        assert operation.get("summary"), where
        assert operation.get("security") == [{"ApiKey": []}], where
        wanted = {"401", "403", "429", "503"} | ({"404"} if "{" in path else set())
        assert wanted <= set(operation["responses"]), where
        assert any(status.startswith("2") for status in operation["responses"]), where


def test_every_refusal_has_the_one_shape_and_an_example_of_it(document):
    codes = {**known_codes(), **BEYOND}
    for path, method, operation in operations(document):
        for status, response in operation["responses"].items():
            if not status.startswith("4") and not status.startswith("5"):
                continue
            content = response["content"]["application/json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Refusal"}, (path, method, status)
            for example in content["examples"].values():
                code = example["value"]["error"]["code"]
                assert int(status) == codes[code], (path, method, status, code)


def test_the_calls_we_make_are_documented(document):
    (webhook,) = document["webhooks"].values()
    schema = webhook["post"]["requestBody"]["content"]["application/json"]["schema"]

    assert schema["properties"]["type"]["enum"] == list(EVENTS.values())


@pytest.mark.django_db
def test_document_and_explorer_are_served_by_ourselves(client):
    schema = client.get("/api/v1/openapi.json")
    explorer = client.get("/api/v1/docs", follow=True)

    assert json.loads(schema.content)["info"]["title"] == "Signalbox API"
    assert explorer.status_code == 200
    page = explorer.content.decode()
    assert not re.search(r"(src|href)=\"https?://", page)
    assert "<script>" not in page and "onclick" not in page


# --- docs/errors.md


def known_codes() -> dict[str, int]:
    """The code and HTTP status of every refusal in the house."""
    modules = [*ROOT.glob("*/**/errors.py"), ROOT / "kit" / "errors.py", ROOT / "kit" / "outbound.py"]
    for path in modules:
        if not {".venv", "var", "tests"} & set(path.relative_to(ROOT).parts):
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return {kind.code: kind.status for kind in _below(DomainError) if "tests" not in kind.__module__}


def _below(kind: type) -> set[type]:
    return set(kind.__subclasses__()) | {one for inner in kind.__subclasses__() for one in _below(inner)}


def test_every_error_code_is_in_the_documentation_and_no_other():
    documented = {
        code: int(status) for code, status in re.findall(r"^\| `(\w+)` \| (\d{3}) \|", ERRORS.read_text(), re.M)
    }

    assert documented == {**known_codes(), **BEYOND}


def test_every_reason_a_number_is_refused_for_is_in_the_documentation():
    assert {f"`{reason}`" for reason in REASONS} <= set(re.findall(r"`\w+`", ERRORS.read_text()))


# --- docs/api.md


def test_the_quick_start_tells_true_facts():
    text = API.read_text()

    for ending in (simulator.UNDELIVERED, simulator.REFUSED, simulator.SILENT):
        assert f"| `{ending}` |" in text
    for event in EVENTS.values():
        assert f"`{event}`" in text
    for status in Status:
        assert f"`{status.name.lower()}`" in text
    for scope in KEY_SCOPES:
        assert f"`{scope}`" in text
    assert f"{settings.API_MESSAGES_PER_SECOND:,} messages and make {settings.API_REQUESTS_PER_SECOND} requests" in text
    assert PAUSES == (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400), "say the new pauses in docs/api.md"


def bodies_shown(document) -> Iterator[str]:
    """The bodies of `POST /api/v1/messages` in our documents, on our pages and in the explorer."""
    texts = [path.read_text("utf-8") for path in (ROOT / "README.md", API, EXAMPLE_ON_PAGES)]
    for text in (*texts, SEND):
        yield from re.findall(r"""'(\{"to".*?\})'""", text, re.S)
    yield from re.findall(r'```json\n(\{"template".*?)\n```', API.read_text("utf-8"), re.S)
    content = document["paths"]["/api/v1/messages"]["post"]["requestBody"]["content"]["application/json"]
    yield from (json.dumps(example["value"]) for example in content["examples"].values())


def test_every_send_we_show_would_be_taken_in_the_demo_world(document):
    bodies = list(bodies_shown(document))

    assert len(bodies) == 7
    for body in bodies:
        wanted = read_request(body.encode())
        assert (wanted.template, wanted.sender) == (SHIPPED.name, "Meadowlark")
        for one in wanted.recipients:
            assert check_values(specs_from(SHIPPED.variables), one.variables) == []
            assert not isinstance(parse_number(one.to, default_region="CN"), Unusable)


def test_every_scope_a_view_asks_for_can_be_given():
    scopes = set()
    for pattern in _views():
        required = pattern.callback.view_class.required_scope
        scopes |= set(required.values() if isinstance(required, dict) else [required])

    assert scopes <= set(KEY_SCOPES)


def _views(patterns=None, before="/"):
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        address = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _views(pattern.url_patterns, address)
        elif address.startswith("/api/") and address not in ABOUT:
            yield pattern


def sample(language: str) -> str:
    return next(code for code in re.findall(rf"```{language}\n(.*?)```", API.read_text(), re.S) if "webhook-id" in code)


def signed(secret: str, body: str) -> dict[str, str]:
    from datetime import UTC, datetime

    at = datetime.now(UTC)
    signature = Webhook(secret).sign("evt", at, body)
    stamp = str(int(at.timestamp()))
    return {"webhook-id": "evt", "webhook-timestamp": stamp, "webhook-signature": f"v1,AAAA {signature}"}


def test_the_python_sample_verifies_what_we_sign():
    names: dict = {}
    exec(sample("python"), names)  # noqa: S102  (our own documentation)
    secret, body = new_secret(), '{"text": "你好"}'
    headers = signed(secret, body)

    names["verify"](secret, headers, body.encode())
    with pytest.raises(ValueError, match="forged"):
        names["verify"](new_secret(), headers, body.encode())
    with pytest.raises(ValueError, match="forged"):
        names["verify"](secret, headers, b"{}")
    with pytest.raises(ValueError, match="too old"):
        names["verify"](secret, headers | {"webhook-timestamp": str(int(time.time()) - 400)}, body.encode())


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_the_node_sample_verifies_what_we_sign(tmp_path):
    secret, body = new_secret(), '{"text": "你好"}'
    headers = json.dumps(signed(secret, body))
    script = sample("js") + f"verify({json.dumps(secret)}, {headers}, Buffer.from({json.dumps(body)}));"
    forged = sample("js") + f"verify({json.dumps(new_secret())}, {headers}, Buffer.from({json.dumps(body)}));"
    for name, code in (("good.mjs", script), ("forged.mjs", forged)):
        (tmp_path / name).write_text(code)

    assert subprocess.run(["node", tmp_path / "good.mjs"], check=False).returncode == 0  # noqa: S607
    refused = subprocess.run(["node", tmp_path / "forged.mjs"], check=False, capture_output=True)  # noqa: S607
    assert b"forged" in refused.stderr


@pytest.mark.django_db
def test_an_unknown_client_can_read_the_document():
    assert Client(headers={"accept": "application/json"}).get("/api/v1/openapi.json").status_code == 200
