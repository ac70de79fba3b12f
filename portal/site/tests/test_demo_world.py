import json
import stat

import pytest
from django.core.management import call_command

from accounts.models import Organisation
from billing.ledger.books import problems
from billing.ledger.queries import wallet_of
from billing.pricing.quotes import prices_now
from kit.money import money
from messaging.channels.models import Channel
from messaging.content.models import Review
from messaging.content.queries import approved_senders_of, approved_versions_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    call_command("seed_demo", verbosity=0)
    return tmp_path / "demo-accounts.json"


def named(name: str) -> Organisation:
    return Organisation.objects.get(name=name)


def test_the_sign_ins_are_left_for_their_owner_alone(world):
    sign_ins = json.loads(world.read_text())

    assert stat.S_IMODE(world.stat().st_mode) == 0o600
    assert {"Operator", "Reviewer", "Support", "Agent", "Customer", "Other customer"} <= {
        one["role"] for one in sign_ins
    }
    assert any(one["kind"] == "live_key" and one["password"].startswith("sb_live_") for one in sign_ins)


def test_planting_again_changes_nothing(world):
    before = world.read_bytes(), Organisation.objects.count()

    call_command("seed_demo", verbosity=0)

    assert (world.read_bytes(), Organisation.objects.count()) == before


def test_the_channel_follows_the_carrier_to_another_port(world, settings):
    settings.DEMO_CARRIER_PORT += 1

    call_command("seed_demo", verbosity=0)

    assert Channel.objects.get(name="Demo carrier").config["port"] == settings.DEMO_CARRIER_PORT


def test_the_customer_can_send_twenty_thousand_messages_of_the_sample_file(world):
    customer = named("Meadowlark Retail")
    countries = {"CN": 12675, "GB": 1748, "SG": 1066, "DE": 881, "US": 870, "HK": 756, "JE": 18, "GG": 12}

    with customer.scope():
        prices = prices_now(customer, {(country, "notice") for country in countries})
        bodies = {version.body for version in approved_versions_of(customer)}
        senders = {str(sender) for sender in approved_senders_of(customer)}

    assert sum(prices[country, "notice"] * count * 2 for country, count in countries.items()) < money("8000.00")
    assert wallet_of(customer).balance == money("8000.00")
    assert any("{姓名}" in body and "{订单号}" in body for body in bodies)
    assert senders == {"【百灵零售】", "Meadowlark"}


def test_its_books_balance_and_work_waits_for_the_reviewer(world):
    assert problems() == []
    assert Review.objects.filter(decision="").count() == 2
