"""A small model of the ledger beside the real one: whatever is done, both say the same after every step."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.tests.factories import make_agent, make_customer
from billing.ledger.actions import Move, account_of, post, set_credit_line
from billing.ledger.books import problems
from billing.ledger.errors import CreditInUse, InsufficientBalance, ReferenceTaken
from billing.ledger.models import Account, Reason
from billing.ledger.queries import balance_of
from kit.tests.undone import undone

from .factories import fund

KINDS = (Account.Kind.WALLET, Account.Kind.HOLD, Account.Kind.MARGIN)
places = st.integers(0, 5)  # two organisations, three pots each
amounts = st.integers(0, 400)
moves = st.tuples(places, places, amounts, st.integers(0, 25)).filter(lambda move: move[0] != move[1])
steps = st.one_of(
    st.tuples(st.just("post"), st.lists(moves, min_size=1, max_size=4)),
    st.tuples(st.just("credit"), st.tuples(st.sampled_from([0, 3]), amounts)),
)


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=1, max_size=12))
def test_the_ledger_does_what_a_few_lines_of_python_do(script):
    with undone():
        agent = make_agent()
        organisations = [agent, make_customer(parent=agent)]
        pots = [account_of(organisation, kind, "GBP") for organisation in organisations for kind in KINDS]
        fund(agent, "0.001")
        balances, floors, causes = [1000, 0, 0, 0, 0, 0], [0, 0, None, 0, 0, None], {}

        for kind, facts in script:
            if kind == "post":
                expected = dry_run(facts, balances, floors, causes)
                outcome = attempt(post, *(as_move(pots, *move) for move in facts))
                if expected is None:
                    assert outcome is None
                    apply(facts, balances, causes)
                else:
                    assert outcome in expected
            else:
                place, line = facts
                outcome = attempt(set_credit_line, organisation=organisations[place // 3], amount=line)
                assert (outcome is CreditInUse) is (balances[place] < -line)
                floors[place] = floors[place] if outcome else -line
            assert [balance_of(pot) for pot in pots] == balances

        broken = {problem.invariant for problem in problems()}
        assert broken <= {"What is set aside is the price of the messages on their way"}


def as_move(pots, source, target, amount, cause):
    return Move(pots[source], pots[target], amount, Reason.ADJUSTMENT, f"cause:{cause}")


def attempt(action, *args, **facts):
    """The class of the refusal, or None."""
    try:
        action(*args, **facts)
    except (InsufficientBalance, ReferenceTaken, CreditInUse) as refusal:
        return type(refusal)
    return None


def new_moves(batch, causes):
    """The moves of a batch whose causes are new, each cause once; and whether some cause is used for two things."""
    said, fresh, clash = dict(causes), [], False
    for source, target, amount, cause in batch:
        if amount and cause not in said:
            fresh.append((source, target, amount))
        if amount:
            clash |= said.setdefault(cause, (source, target, amount)) != (source, target, amount)
    return fresh, said, clash


def dry_run(batch, balances, floors, causes):
    """None when the batch is allowed, else the refusals that may come: when two are due, either may."""
    fresh, _said, clash = new_moves(batch, causes)
    after = moved(fresh, balances)
    short = any(floor is not None and after[n] < floor for n, floor in enumerate(floors))
    if clash:
        return {ReferenceTaken, InsufficientBalance}
    return {InsufficientBalance} if short else None


def apply(batch, balances, causes):
    fresh, said, _clash = new_moves(batch, causes)
    balances[:] = moved(fresh, balances)
    causes.update(said)


def moved(fresh, balances):
    after = list(balances)
    for source, target, amount in fresh:
        after[source] -= amount
        after[target] += amount
    return after
