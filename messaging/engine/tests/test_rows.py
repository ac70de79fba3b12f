"""How a message looks in the list."""

from types import SimpleNamespace
from uuid import uuid4

import pytest

from kit.ids import uuid7
from messaging.engine.models import Message
from messaging.engine.rows import Rows
from messaging.engine.states import Status

LABELS = {"origin": "Template", "segments": "Segments", "price": "Cost", "accepted_at": "Accepted"}


def row_of(*, template: str = "Order shipped", is_returned: bool = False, **changes) -> str:
    facts = {
        "id": uuid7(), "recipient": "+447700900123", "country": "GB", "category": "notice", "segments": 1,
        "status": Status.QUEUED, "price": 40_000, "currency": "GBP",
    }  # fmt: skip
    message = Message(**{**facts, **changes})
    message.version = SimpleNamespace(template=SimpleNamespace(name=template)) if template else None
    message.is_returned = is_returned
    return Rows(LABELS).html([message])


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, '<span class="st wait">Queued</span>'),
        ({}, "+44 7700 900••3"),
        ({}, '<td role="cell" class="n" data-l="Cost">£0.0400</td>'),
        ({"status": Status.UNDELIVERED, "error_code": "001", "is_returned": True}, '<s class="t3">£0.0400</s>'),
        ({"status": Status.UNDELIVERED, "error_code": "001"}, '<div class="meta mono">001</div>'),
        ({"is_test": True}, '<span class="t3">—</span>'),
        ({"allowance_id": uuid4(), "price": 0}, "package"),
        ({"campaign_id": uuid4()}, "Notice · campaign"),
        ({"api_key_id": uuid4()}, "Notice · API"),
        ({"template": ""}, "<div>—"),
        ({"client_reference": "a" * 40}, f'<span class="mono">{"a" * 23}…</span>'),
        ({"recipient": ""}, "erased"),
    ],
)
def test_a_row_shows_what_a_message_is(changes, shown):
    assert shown in row_of(**changes)


def test_nothing_a_customer_wrote_becomes_part_of_the_page():
    row = row_of(template="<script>1</script>", client_reference="<b>2</b>", error_code="<i>3</i>")

    assert "<script>" not in row
    assert "<b>2" not in row
    assert "<i>3" not in row
    assert "&lt;script&gt;" in row
