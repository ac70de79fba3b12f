"""Single messages accepted in one transaction: what goes well is answered, everything else is left to be asked alone."""

import json

import pytest

from accounts.tests.factories import make_api_key
from billing.ledger.models import Account, Transfer
from kit.errors import TooManyRequests
from kit.money import money
from messaging.content.models import MessageTemplate
from messaging.engine.api import together
from messaging.engine.api.requests import read_request
from messaging.engine.api.together import Caller, Single, accept_together
from messaging.engine.models import IdempotencyRecord, Message
from messaging.engine.tests.factories import make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world(template="Ready")


@pytest.fixture
def ask(world):
    _, secret = make_api_key(world.customer)

    def ask(*singles, secret=secret, address="127.0.0.1"):
        answers = accept_together(Caller(secret, address), singles)
        return [answer and json.loads(answer) for answer in answers]

    return ask


def single(to="+447911123456", *, key="", **changes):
    body = json.dumps({"to": to, "template": "Ready", "variables": {"name": "Ada"}, **changes}).encode()
    return Single(read_request(body), body, key=key)


def numbers_of(answers):
    return [answer and answer["messages"][0]["to"] for answer in answers]


def test_each_gets_its_own_message_in_one_movement_of_money(world, ask):
    answers = ask(*(single(f"+4479111234{n:02d}", reference=f"r{n}", variables={"name": f"N{n}"}) for n in range(5)))

    assert numbers_of(answers) == [f"+4479111234{n:02d}" for n in range(5)]
    assert [answer["messages"][0]["reference"] for answer in answers] == [f"r{n}" for n in range(5)]
    assert {answer["price"] for answer in answers} == {"0.04"}
    stored = {str(message.pk): message.body for message in Message.objects.all()}
    assert [f"N{n}" in stored[answer["messages"][0]["id"]] for n, answer in enumerate(answers)] == [True] * 5
    assert Transfer.objects.filter(reference__startswith="accept:").count() == 1
    assert world.balance(Account.Kind.HOLD) == money("0.20")


@pytest.mark.parametrize(
    "bad",
    [
        {"to": "nobody"},
        {"template": "Nothing like it"},
        {"sender": "Stranger"},
        {"variables": {}},
        {"variables": {"name": "x" * 500}},
        {"template": None, "variables": {}, "text": "Win a prize now"},
    ],
)
def test_what_has_to_be_refused_is_left_and_keeps_nobody_back(world, ask, bad):
    refused = single(**bad, key="k")

    answers = ask(single(), refused, single("+447911123457"))

    assert numbers_of(answers) == ["+447911123456", None, "+447911123457"]
    assert Message.objects.count() == 2
    assert IdempotencyRecord.objects.count() == 0
    assert refused.is_counted


def test_free_text_and_templates_go_together(world, ask):
    ask(single(template=None, variables={}, text="Hello Grace, it is ready."), single())

    assert sorted(message.body for message in Message.objects.all())[0].endswith("Hello Ada, it is ready.")
    assert Message.objects.count() == 2


def test_a_balance_that_does_not_reach_for_all_leaves_all_and_nothing_stored(world, ask):
    few = int(world.balance(Account.Kind.WALLET) // money("0.04")) + 1

    answers = ask(*(single(f"+44791112{n:04d}", key=f"k{n}") for n in range(few)))

    assert answers == [None] * few
    assert (Message.objects.count(), IdempotencyRecord.objects.count()) == (0, 0)
    assert world.balance(Account.Kind.HOLD) == 0


def test_a_key_is_used_by_the_first_of_two_and_answered_later_with_the_same(world, ask):
    answers = ask(single(key="a"), single(key="a"), single("+447911123457", key="b"), single("+447911123458"))

    assert numbers_of(answers) == ["+447911123456", None, "+447911123457", "+447911123458"]
    kept = {record.key: record.response for record in IdempotencyRecord.objects.all()}
    assert kept == {"a": answers[0], "b": answers[2]}
    assert ask(single(key="a"), single("+447911123459", key="b")) == [None, None]
    assert Message.objects.count() == 3


@pytest.mark.parametrize("key", ["x" * 256, "a\tb"])
def test_a_key_that_cannot_be_one_is_left(world, ask, key):
    assert ask(single(key=key)) == [None]
    assert Message.objects.count() == 0


def test_an_unknown_secret_is_left_and_so_is_a_key_without_the_scope(world, ask):
    _, reader = make_api_key(world.customer, scopes=["messages:read"])

    assert ask(single(), secret="sb_live_nobody") == [None]  # noqa: S106
    assert ask(single(), secret=reader) == [None]
    assert Message.objects.count() == 0


def test_an_address_outside_the_keys_networks_is_left(world, ask):
    _, secret = make_api_key(world.customer, networks=["10.0.0.0/8"])

    assert ask(single(), secret=secret, address="192.0.2.1") == [None]
    assert ask(single(), secret=secret, address="10.1.2.3") != [None]


def test_another_tenants_template_is_left(world, ask):
    other = make_world()
    _, secret = make_api_key(other.customer)
    theirs = MessageTemplate.objects.get(organisation=world.customer)

    assert ask(single(template=str(theirs.pk)), secret=secret) == [None]


def test_a_test_key_costs_nothing(world, ask):
    _, secret = make_api_key(world.customer, is_live=False)

    [answer] = ask(single(), secret=secret)

    assert answer["price"] == "0"
    assert Message.objects.get().is_test


def test_all_count_for_the_callers_limit_and_too_many_are_left(world, ask, monkeypatch):
    counted = []

    def count(caller, *, requests, messages):
        counted.append((requests, messages))
        if len(counted) > 1:
            raise TooManyRequests(retry_after=1)

    monkeypatch.setattr(together.limits, "count", count)
    late = single("+447911123458")

    ask(single(), single("+447911123457"))

    assert ask(late) == [None]
    assert counted == [(2, 2), (1, 1)]
    assert not late.is_counted
    assert Message.objects.count() == 2


def test_wordings_that_take_long_to_find_keep_nobody_elses_group_waiting(ask, monkeypatch):
    now, find = [0.0], together.wording_of

    def find_slowly(*asked):
        now[0] += together.WORDING_SECONDS
        return find(*asked)

    monkeypatch.setattr(together, "monotonic", lambda: now[0])
    monkeypatch.setattr(together, "wording_of", find_slowly)
    by_id = str(MessageTemplate.objects.get().pk)

    answers = ask(single(), single("+447911123457", template=by_id), single("+447911123458"))

    assert numbers_of(answers) == ["+447911123456", None, "+447911123458"]
