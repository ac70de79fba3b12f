"""Receipts of long messages over two carriers that use the same names, in any order and number: one final state."""

from importlib import import_module

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.ledger.books import problems
from billing.ledger.models import Account
from kit.money import money
from kit.tests.racing import without
from kit.tests.undone import undone
from messaging.channels.actions import add_route, create_channel
from messaging.channels.types.base import Sent
from messaging.engine.dispatch.claim import claim
from messaging.engine.dispatch.outcomes import record_outcomes
from messaging.engine.models import Message, Settlement
from messaging.engine.receipts import fold_all, store_news
from messaging.engine.states import Status
from messaging.engine.tests.factories import make_world
from messaging.engine.tests.receipts import news_of

pytestmark = pytest.mark.django_db
WORDS = ("delivered", "undelivered", "expired")
PRICE = money("0.04")
COUNTRIES = {0: ("GB", "+44770090{:04d}"), 1: ("DE", "+4915123{:06d}")}


@st.composite
def histories(draw):
    """For each message its carrier and each part's final word; and all that is heard of them, in some order."""
    messages = draw(
        st.lists(
            st.tuples(st.sampled_from((0, 1)), st.lists(st.sampled_from(WORDS), min_size=1, max_size=3)),
            min_size=1,
            max_size=3,
        )
    )
    heard = []
    for number, (_carrier, words) in enumerate(messages):
        heard.append(("answer", number, 0))
        for part in range(len(words)):
            heard += [("receipt", number, part)] * draw(st.integers(1, 2))
    return messages, draw(st.permutations(heard)), draw(st.sets(st.integers(0, len(heard)), max_size=3))


class TwoCarriers:
    """A world with two channels whose carriers call their messages alike."""

    def __init__(self):
        self.world = make_world()
        second = create_channel(organisation=self.world.operator, name="Second", type="simulator", config={})
        add_route(channel=second, country="DE", priority=1)
        self.channels = [self.world.channel.pk, second.pk]

    def play(self, messages, order, folds_after):
        self.messages = messages
        drafts = []
        for number, (carrier, _) in enumerate(messages):
            country, form = COUNTRIES[carrier]
            drafts.append(self.world.draft(form.format(number), country=country, row=number))
        ids = [one.id for one in self.world.accept_drafts(drafts).messages]
        claimed = [one for channel in self.channels for one in claim(channel_id=channel, limit=100, worker="test")]
        self.claimed = sorted(claimed, key=lambda one: ids.index(one.message_id))
        for step, (what, number, part) in enumerate(order):
            if step in folds_after:
                fold_all()
            getattr(self, what)(number, part)
        fold_all()
        return ids

    def answer(self, number, _part):
        carrier, words = self.messages[number]
        one = self.claimed[number]
        names = [self.name(number, part) for part in range(len(words))]
        outcome = Sent(one.attempt_id, names[0], tuple(names[1:]))
        record_outcomes(channel_id=self.channels[carrier], claimed={one.attempt_id: one}, outcomes=[outcome])

    def receipt(self, number, part):
        carrier, words = self.messages[number]
        receipt = {"reference": self.name(number, part), "state": words[part], "recipient": "",
                   "error_code": "" if words[part] == "delivered" else "027"}  # fmt: skip
        store_news(channel_id=self.channels[carrier], **news_of(receipt))

    def name(self, number, part):
        """The same on both: the place among the messages of its own carrier."""
        carrier = self.messages[number][0]
        place = sum(other == carrier for other, _ in self.messages[:number])
        return f"id{place}p{part}"


@pytest.fixture
def two():
    return TwoCarriers()


def end_of(words):
    return Status.DELIVERED if set(words) == {"delivered"} else Status.UNDELIVERED


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories())
def test_any_order_of_parts_over_two_carriers_gives_one_result(two, history):
    messages, order, folds_after = history
    with undone():
        ids = two.play(messages, order, folds_after)

        states = dict(Message.objects.values_list("id", "status"))
        assert [states[id] for id in ids] == [end_of(words) for _, words in messages]
        delivered = sum(end_of(words) == Status.DELIVERED for _, words in messages)
        assert two.world.balance(Account.Kind.HOLD) == 0
        assert sum(Settlement.objects.values_list("messages", flat=True)) == len(messages)
        assert Settlement.objects.filter(status=Status.DELIVERED).count() <= delivered
        assert problems() == []


@pytest.mark.parametrize("first", [0, 1], ids=["delivered first", "failed first"])
def test_a_long_message_waits_for_its_last_part(two, first):
    two.play([(0, ["delivered", "undelivered"])], [("answer", 0, 0), ("receipt", 0, first)], set())
    assert two.world.message().state == Status.SUBMITTED

    two.receipt(0, 1 - first)
    fold_all()

    assert two.world.message().state == Status.UNDELIVERED


def test_sabotage_a_message_that_ends_with_its_first_part_ends_as_chance_has_it(two, monkeypatch):
    for module, name in (("fold", "_TAKE"), ("inbox", "_STORE_RECEIPTS")):
        station = import_module(f"messaging.engine.receipts.{module}")
        guarded = getattr(station, name)
        monkeypatch.setattr(station, name, without(guarded, "coalesce(a.parts, 2) AS parts", "1 AS parts"))
    ends = set()

    for first in (0, 1):
        with undone():
            two.play(
                [(0, ["delivered", "undelivered"])],
                [("answer", 0, 0), ("receipt", 0, first), ("receipt", 0, 1 - first)],
                {2},
            )
            ends.add(two.world.message().state)

    assert len(ends) == 2
