"""The message step while somebody chooses faster than answers come."""

import pytest
from django.urls import reverse

from accounts.rules.permissions import Role
from accounts.tests.factories import signed_in
from messaging.campaigns.tests.factories import make_draft, make_world

pytestmark = pytest.mark.django_db

PARTS = ("category", "wording", "problems", "message-side", "message-total")


@pytest.mark.parametrize(
    "_case, shown, brings_fields",
    [
        ("the fields of the chosen template", {"column_name": "name", "fixed_name": ""}, False),
        ("those of the template before", {"column_code": "", "fixed_code": ""}, True),
        ("some of a template with more", {"column_name": "name", "fixed_name": "", "column_code": ""}, True),
        ("a template without variables before", {}, True),
    ],
)
def test_every_question_is_answered_for_the_chosen_template_and_brings_its_fields_when_the_page_has_others(
    _case, shown, brings_fields
):
    world = make_world()
    draft = make_draft(world)
    client = signed_in(world.customer, Role.SENDER)
    chosen = {"version": draft.version_id, "sender": draft.sender_id, "name": "Sale", **shown}

    answer = client.get(reverse("messaging:send_message", args=[draft.pk]), chosen, HTTP_HX_REQUEST="true")
    page = answer.content.decode()

    assert [part for part in PARTS if f'id="{part}" hx-swap-oob="true"' not in page] == []
    assert ('id="values" hx-swap-oob="true"' in page) is brings_fields
    assert ('name="column_name"' in page) is brings_fields
    assert 'name="version"' not in page
