"""Receipts in any order, any number of times, before or after the answer: one final state, one movement of money."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.ledger.books import problems
from billing.ledger.models import Account
from kit.money import money
from kit.tests.undone import undone
from messaging.channels.types.base import Sent, Unknown
from messaging.engine.dispatch import give_up_expired_leases
from messaging.engine.models import Claim, Message, Settlement
from messaging.engine.receipts import fold_all, store_news
from messaging.engine.states import Status
from messaging.engine.tests.receipts import news_of

pytestmark = pytest.mark.django_db
Kind = Account.Kind
MOST_MESSAGES = 3
RESULTS = {"delivered": Status.DELIVERED, "undelivered": Status.UNDELIVERED, "expired": Status.UNDELIVERED}
#: What becomes of the submit's answer: it comes, it comes after the lease ran out, the line breaks, or the worker dies.
ANSWERS = ("answered", "late", "unknown", "never")
NOISE = ("accepted", "enroute")


@st.composite
def histories(draw):
    """Each message's final word and answer, and everything that is heard, in some order and in some portions."""
    fates = draw(
        st.lists(
            st.tuples(st.sampled_from(sorted(RESULTS)), st.sampled_from(ANSWERS)), min_size=1, max_size=MOST_MESSAGES
        )
    )
    heard = [("foreign", number, "delivered") for number in range(draw(st.integers(0, 2)))]
    for number, (word, _answer) in enumerate(fates):
        heard.append(("answer", number, ""))
        heard += [("receipt", number, word)] * draw(st.integers(1, 3))
        heard += [("receipt", number, noise) for noise in draw(st.lists(st.sampled_from(NOISE), max_size=2))]
    order = draw(st.permutations(heard))
    folds_after = draw(st.sets(st.integers(0, len(order)), max_size=3))
    return fates, order, folds_after


class Carrier:
    """Plays one history to the engine."""

    def __init__(self, world, fates):
        self.world, self.fates = world, fates
        world.accept(len(fates))
        claimed = [one for _ in fates for one in world.claim(limit=1).values()]
        self.claimed = sorted(claimed, key=lambda one: one.recipient)

    def play(self, order, folds_after):
        for step, (kind, number, word) in enumerate(order):
            if step in folds_after:
                fold_all()
            getattr(self, kind)(number, word)
        fold_all()

    def answer(self, number, _word):
        one, kind = self.claimed[number], self.fates[number][1]
        if kind in ("late", "never"):
            Claim.objects.filter(pk=one.claim_id).update(lease_until="2020-01-01T00:00Z")
            give_up_expired_leases()
        outcome = {"answered": Sent, "late": Sent, "unknown": Unknown}.get(kind)
        if outcome:
            self.world.record({one.attempt_id: one}, [outcome(one.attempt_id, f"c{number}")])

    def receipt(self, number, word):
        one = self.claimed[number]
        self._tell(f"c{number}", word, one.reference, one.recipient)

    def foreign(self, number, word):
        self._tell(f"foreign{number}", word, self.claimed[0].reference, f"+86138000000{number}")

    def _tell(self, reference, word, user_reference, recipient):
        receipt = {"reference": reference, "state": word, "error_code": "" if word == "delivered" else "027",
                   "user_message_reference": user_reference, "recipient": recipient}  # fmt: skip
        store_news(channel_id=self.world.channel.pk, **news_of(receipt))


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories())
def test_any_order_of_receipts_gives_one_result_and_the_same_money(world, history):
    fates, order, folds_after = history
    with undone():
        Carrier(world, fates).play(order, folds_after)

        found = dict(Message.objects.values_list("recipient", "status"))
        assert found == {f"+4477009{number:05d}": RESULTS[word] for number, (word, _) in enumerate(fates)}
        delivered = sum(word == "delivered" for word, _ in fates)
        assert world.balance(Kind.WALLET) == money("10.00") - delivered * money("0.04")
        assert world.balance(Kind.HOLD) == 0
        assert sum(Settlement.objects.values_list("messages", flat=True)) == len(fates)
        assert problems() == []
