"""GET /api/v1/balance"""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.tests.factories import make_api_key
from billing.packages.models import Allowance
from messaging.engine.tests.factories import make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world(funds="10.00")


def balance_of(organisation):
    _, secret = make_api_key(organisation, ("balance:read",))
    answer = Client(headers={"authorization": f"Bearer {secret}"}).get("/api/v1/balance")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_what_is_held_is_no_longer_available(world):
    world.accept(3)

    assert balance_of(world.customer) == {
        "currency": "GBP",
        "available": "9.88",
        "balance": "9.88",
        "held": "0.12",
        "credit_line": "0",
        "allowances": [],
    }


def test_an_organisation_that_never_paid_has_nothing(world):
    balance = balance_of(world.agent)

    assert (balance["available"], balance["held"], balance["allowances"]) == ("0", "0", [])


def test_allowances_come_in_the_order_they_are_used_and_only_while_they_last(world):
    now = timezone.now()
    later, sooner, _expired, _used_up = (
        Allowance.objects.create(
            organisation=world.customer, segments=100, taken=taken, country="GB", expires_at=now + timedelta(days=days)
        )
        for days, taken in ((20, 0), (10, 25), (-1, 0), (5, 100))
    )

    first, second = balance_of(world.customer)["allowances"]

    assert (first["id"], first["left"], first["country"], first["category"]) == (str(sooner.pk), 75, "GB", None)
    assert second["id"] == str(later.pk)
    assert first["expires_at"].endswith("Z")
