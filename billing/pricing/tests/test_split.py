from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from billing.pricing.rules.split import Buyer, Split, split

A, B, C = uuid4(), uuid4(), uuid4()
prices = st.one_of(st.none(), st.integers(0, 10**9))


def test_each_agent_earns_what_its_buyer_pays_above_its_own_cost():
    found = split([Buyer(A, 100), Buyer(B, 130), Buyer(C, 200)])

    assert found == Split(price=200, platform_part=100, agents=(B, A), parts=(70, 30))


def test_without_a_price_of_its_own_a_buyer_pays_what_its_seller_pays():
    assert split([Buyer(A, 100), Buyer(B, None)]) == Split(price=100, platform_part=100)


def test_a_price_below_cost_counts_as_the_cost():
    assert split([Buyer(A, 100), Buyer(B, 40), Buyer(C, 150)]) == Split(150, 100, (B,), (50,))


def test_without_a_price_of_the_house_there_is_none():
    assert split([Buyer(A, None), Buyer(B, 40)]) is None
    assert split([]) is None


@given(st.integers(0, 10**9), st.lists(prices, max_size=12))
def test_the_price_is_the_sum_of_its_parts_at_any_depth(first, rest):
    chain = [Buyer(uuid4(), asked) for asked in (first, *rest)]

    found = split(chain)

    assert found.price == found.platform_part + sum(found.parts)
    assert found.platform_part == first
    assert all(part > 0 for part in found.parts)
    assert len(found.agents) == len(found.parts)
    sellers = [buyer.organisation for buyer in chain[:-1]]
    assert list(found.agents) == [seller for seller in reversed(sellers) if seller in found.agents]
    assert found.price >= max([first, *(asked for asked in rest if asked is not None)])
