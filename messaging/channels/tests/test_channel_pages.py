import json
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.rules.permissions import Role
from accounts.tests.factories import make_agent, make_customer, make_operator, signed_in
from kit.sealing import unseal
from messaging.channels.actions import add_route, create_channel
from messaging.channels.forms import LENGTHS, LIMITS
from messaging.channels.health import health
from messaging.channels.models import Bind, Channel, Route
from messaging.channels.types.base import ConfigInvalid
from messaging.channels.types.smpp.config import SmppConfig
from messaging.engine.models import Message, QueueEntry

pytestmark = pytest.mark.django_db
SMPP = {"host": "smpp.carrier.test", "port": 2775, "system_id": "us", "password": "s3cret!"}


@pytest.fixture
def operator():
    return make_operator()


@pytest.fixture
def channel(operator):
    with operator.scope():
        return create_channel(organisation=operator, name="Carrier one", type="smpp", config=SMPP)


def text_of(response) -> str:
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def bind(channel, state: str, *, worker: str = "w1", seconds_ago: int = 0, **fields) -> Bind:
    now, fields = timezone.now(), {"binds_up": int(state == "bound"), **fields}
    return Bind.objects.create(
        organisation=channel.organisation, channel=channel, worker=worker, state=state, since=now,
        updated_at=now - timedelta(seconds=seconds_ago), **fields,
    )  # fmt: skip


def settings_form(**changes) -> dict:
    form = {**SMPP, "name": "Carrier one", "window": "50", "bind": "transceiver", "enquire_link_seconds": "30"}
    rest = {"response_timeout_seconds": "20", "queue_seconds": "10", "reconnect_seconds": "0.5", "binds": "1"}
    words = {
        "long_messages": "udh8",
        "gsm7": "unpacked",
        "validity": "relative",
        "receipt_ids": "as_is",
        "receipt_format": "auto",
    }
    return {**form, **rest, **words, "source_address": "10690000", **changes}


@pytest.mark.parametrize(
    ("_case", "binds", "state"),
    [
        ("nobody holds it", [], "silent"),
        ("its worker is gone", [("bound", 60)], "silent"),
        ("bound", [("bound", 0)], "up"),
        ("one of two", [("bound", 0), ("down", 0)], "degraded"),
        ("refused", [("refused", 0)], "refused"),
        ("on its way", [("connecting", 0), ("down", 0)], "connecting"),
    ],
)
def test_a_channel_stands_as_its_living_binds_say(channel, _case, binds, state):
    for number, (said, seconds) in enumerate(binds):
        bind(channel, said, worker=f"w{number}", seconds_ago=seconds)

    assert health(channel).state == state


def test_a_line_that_lacks_some_of_its_binds_is_degraded_and_says_so(operator, channel):
    bind(channel, "bound", binds=4, binds_up=3)

    assert health(channel).state == "degraded"
    assert "3 of 4" in text_of(signed_in(operator).get(f"/channels/{channel.pk}/"))


def test_the_list_shows_state_and_what_is_in_flight(operator, channel):
    bind(channel, "bound", in_flight=37)

    page = text_of(signed_in(operator).get("/channels/"))

    assert "Carrier one" in page
    assert "Bound" in page
    assert ">37<" in page


def test_what_living_workers_handed_over_is_added_up(operator, channel):
    bind(channel, "bound", worker="w1", handed_over_in_a_minute=400, handed_over_in_five_minutes=1_500)
    bind(channel, "bound", worker="w2", handed_over_in_a_minute=511, handed_over_in_five_minutes=1_530)
    bind(channel, "bound", worker="gone", seconds_ago=60, handed_over_in_a_minute=70, handed_over_in_five_minutes=900)
    client = signed_in(operator)

    assert [">10.1<" in text_of(client.get(page)) for page in ("/channels/", f"/channels/{channel.pk}/")] == [
        True,
        True,
    ]
    assert ">911<" in text_of(client.get("/home/"))


def test_a_secret_is_nowhere_on_the_pages(operator, channel):
    client = signed_in(operator)

    pages = [client.get(f"/channels/{channel.pk}/{page}") for page in ("", "settings/")]

    assert all("s3cret!" not in text_of(page) for page in pages)


def test_a_password_left_empty_stays(operator, channel):
    form = settings_form(password="", host="other.carrier.test")

    response = signed_in(operator).post(f"/channels/{channel.pk}/settings/", form)

    channel.refresh_from_db()
    assert response.status_code == 302
    assert channel.config["host"] == "other.carrier.test"
    assert channel.window == 50
    assert json.loads(unseal(channel.sealed_secrets)) == {"password": "s3cret!"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("binds", "33"), ("data_coding_gsm7", "256"), ("source_ton", "19"), ("gsm7", "folded"), ("query_after_minutes", "0"),
        ("port", "0"), ("port", "x"), ("host", ""), ("system_id", "x" * 16), ("password", "x" * 9), ("name", ""),
    ],
)  # fmt: skip
def test_a_setting_that_can_not_be_used_is_named_and_nothing_changes(operator, channel, field, value):
    before = Channel.objects.values().get(pk=channel.pk)

    response = signed_in(operator).post(f"/channels/{channel.pk}/settings/", settings_form(**{field: value}))

    assert field in response.context["form"].errors
    assert Channel.objects.values().get(pk=channel.pk) == before


@pytest.mark.parametrize("name", LIMITS)
def test_the_form_knows_the_types_own_limits(name):
    low, high = LIMITS[name]
    step = 0.001 if isinstance(low, float) else 1

    for inside in (low, high):
        SmppConfig.from_mapping({**SMPP, name: inside})
    for outside in (low - step, high + step):
        with pytest.raises(ConfigInvalid):
            SmppConfig.from_mapping({**SMPP, name: outside})


def test_what_is_wrong_is_said_in_the_readers_language(operator, channel):
    client = signed_in(operator)
    client.cookies["django_language"] = "zh-hans"
    wrong = dict.fromkeys(LIMITS, "99999999") | dict.fromkeys(LENGTHS, "x" * 16) | {"tls_ca_file": "/etc/证书.pem"}

    response = client.post(f"/channels/{channel.pk}/settings/", settings_form(**wrong))

    errors = response.context["form"].errors
    assert set(errors) == set(wrong)
    assert not [said for problems in errors.values() for said in problems if re.search("must|Ensure|only", said)]


def test_what_few_carriers_need_is_folded_away_until_it_is_wrong(operator, channel):
    client, url = signed_in(operator), f"/channels/{channel.pk}/settings/"

    assert "<details><summary" in text_of(client.get(url))
    assert "<details open><summary" in text_of(client.post(url, settings_form(source_ton="19")))


def test_every_setting_of_the_form_reaches_the_channel(operator, channel):
    told = {
        "binds": 3, "long_messages": "sar", "gsm7": "packed", "latin1": True, "data_coding_gsm7": 241, "source_ton": 0,
        "validity": "none", "receipt_ids": "hex_to_decimal", "receipt_format": "text", "query_after_minutes": 30,
        "tls_ca_file": "/etc/carrier.pem",
    }  # fmt: skip

    signed_in(operator).post(f"/channels/{channel.pk}/settings/", settings_form(**told))

    channel.refresh_from_db()
    assert {name: channel.config.get(name) for name in told} == told


def test_a_new_channel_is_made_by_its_types_form(operator):
    client = signed_in(operator)

    response = client.post("/channels/new/smpp/", settings_form(name="Carrier two"))

    assert response.url == f"/channels/{Channel.objects.get(name='Carrier two').pk}/"
    assert client.get("/channels/new/pigeon/").status_code == 404


def test_a_name_is_taken_once(operator, channel):
    response = signed_in(operator).post("/channels/new/smpp/", settings_form())

    assert "name" in response.context["form"].errors
    assert Channel.objects.count() == 1


def test_pausing_and_resuming_are_recorded(operator, channel):
    client = signed_in(operator)

    client.post(f"/channels/{channel.pk}/switch/", {"active": "0"})
    assert Channel.objects.get().is_active is False
    client.post(f"/channels/{channel.pk}/switch/", {"active": "1"})

    assert Channel.objects.get().is_active is True
    assert AuditEntry.objects.filter(action__in=["channel.paused", "channel.resumed"]).count() == 2


def test_routes_are_added_and_removed(operator, channel):
    client = signed_in(operator)

    client.post(f"/channels/{channel.pk}/routes/", {"country": "cn", "category": "notice", "priority": "5"})
    route = Route.objects.get()
    assert (route.country, route.category, route.priority) == ("CN", "notice", 5)
    client.post(f"/channels/{channel.pk}/routes/", {"country": "C1", "priority": "5"})
    client.post(f"/channels/{channel.pk}/routes/{route.pk}/remove/")

    assert not Route.objects.exists()


def test_a_test_goes_by_this_channel_and_costs_nobody(operator, channel):
    client = signed_in(operator)

    response = client.post(f"/channels/{channel.pk}/test/", {"recipient": "+447911123456"})

    message = Message.objects.get()
    assert response.url == f"/messages/{message.pk}/"
    assert (message.channel_id, message.price, message.is_test) == (channel.pk, 0, True)
    assert QueueEntry.objects.get().channel_id == channel.pk
    assert client.get(response.url).status_code == 200


@pytest.mark.parametrize("typed", ["", "hello", "+44 20 7946 0000", "\x00"])
def test_a_test_to_no_mobile_number_sends_nothing(operator, channel, typed):
    signed_in(operator).post(f"/channels/{channel.pk}/test/", {"recipient": typed})

    assert not Message.objects.exists()


def test_support_looks_and_changes_nothing(operator, channel):
    client = signed_in(operator, Role.SUPPORT)

    assert "Pause" not in text_of(client.get(f"/channels/{channel.pk}/"))
    for path in ("settings/", "switch/", "routes/", "test/"):
        assert client.post(f"/channels/{channel.pk}/{path}").status_code == 403


@pytest.mark.parametrize("make", [make_agent, make_customer])
def test_channels_are_the_operators_alone(channel, make):
    client = signed_in(make())

    assert client.get("/channels/").status_code == 404
    assert client.get(f"/channels/{channel.pk}/").status_code == 404


def test_the_list_asks_as_much_for_eight_channels_as_for_one(operator, channel):
    client = signed_in(operator)
    before = queries_of(client)

    with operator.scope():
        for number in range(7):
            add_route(channel=create_channel(organisation=operator, name=f"C{number}", type="simulator", config={}))

    assert queries_of(client) == before <= 30


def queries_of(client) -> int:
    client.get("/channels/")
    with CaptureQueriesContext(connection) as asked:
        client.get("/channels/")
    return len(asked)
