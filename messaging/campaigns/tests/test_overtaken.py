"""The message step while somebody chooses faster than answers come."""

import pytest
from django.urls import reverse

from accounts.rules.permissions import Role
from accounts.tests.factories import signed_in
from messaging.campaigns.tests.factories import make_draft, make_world

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "_case, shown, has_all",
    [
        ("the fields of the chosen template", {"column_name": "name", "fixed_name": ""}, False),
        ("those of the template before", {"column_code": "", "fixed_code": ""}, True),
        ("a template without variables before", {}, True),
    ],
)
def test_a_question_that_overtook_the_template_is_answered_with_its_fields(_case, shown, has_all):
    world = make_world()
    draft = make_draft(world)
    client = signed_in(world.customer, Role.SENDER)
    chosen = {"version": draft.version_id, "sender": draft.sender_id, "name": "Sale", "parts": "1", **shown}

    answer = client.get(reverse("messaging:send_message", args=[draft.pk]), chosen, HTTP_HX_REQUEST="true")

    assert (answer.headers.get("HX-Retarget") == "#message-step") is has_all
    assert (answer.headers.get("HX-Reswap") == "outerHTML") is has_all
    assert ('name="column_name"' in answer.content.decode()) is has_all
