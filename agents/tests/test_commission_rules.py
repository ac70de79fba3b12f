from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.rules.commission import COMMISSION_RULES, Sale, taken_back
from kit.money import money


@pytest.mark.parametrize(
    "_case, code, amount, basis_points, earned",
    [
        ("five per cent", "percentage", money("10.00"), 500, money("0.50")),
        ("nothing", "percentage", money("10.00"), 0, 0),
        ("all of it", "percentage", money("10.00"), 10_000, money("10.00")),
        ("half a micro goes to the even side, down", "percentage", 10, 500, 0),
        ("half a micro goes to the even side, up", "percentage", 30, 500, 2),
        ("more than half a micro", "percentage", 11, 500, 1),
    ],
)
def test_a_rule_earns(_case, code, amount, basis_points, earned):
    assert COMMISSION_RULES[code].earned(Sale(amount, "GBP"), basis_points=basis_points) == earned


@given(st.integers(0, 10**15), st.integers(0, 10_000))
def test_no_rule_earns_more_than_the_sale_or_less_than_nothing(amount, basis_points):
    for rule in COMMISSION_RULES.values():
        assert 0 <= rule.earned(Sale(amount, "GBP"), basis_points=basis_points) <= amount


@given(st.integers(0, 10**12), st.integers(1, 10**12), st.data())
def test_a_refund_takes_back_its_part_to_the_nearest_micro(earned, amount, data):
    refunded = data.draw(st.integers(0, amount))

    lost = taken_back(earned=earned, refunded=refunded, amount=amount)

    assert lost == round(Fraction(earned * refunded, amount))


@given(st.integers(0, 10**12), st.integers(1, 10**12))
def test_a_whole_refund_takes_back_exactly_what_was_earned(earned, amount):
    assert taken_back(earned=earned, refunded=amount, amount=amount) == earned
