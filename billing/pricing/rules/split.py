"""Who gets which part of a price.  Whole micros throughout: nothing is ever rounded, so nothing is ever lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Buyer:
    """One organisation of the chain and what its seller asks it for a segment, if it has a price of its own."""

    organisation: UUID
    asked: int | None


@dataclass(frozen=True, slots=True)
class Split:
    """price == platform_part + sum(parts).  `agents[i]` earns `parts[i]`, the nearest to the customer first."""

    price: int
    platform_part: int
    agents: tuple[UUID, ...] = ()
    parts: tuple[int, ...] = ()


def split(chain: Sequence[Buyer]) -> Split | None:
    """The price of the last of the chain, which runs from just below the operator down; None when nothing is asked.

    Who has no price of its own pays what its seller pays; who is asked less than its seller's own cost pays that
    cost.  So no margin is ever negative, at any depth.
    """
    if not chain or chain[0].asked is None:
        return None
    platform_part = cost = chain[0].asked
    agents, parts = [], []
    for seller, buyer in zip(chain, chain[1:], strict=False):
        price = cost if buyer.asked is None else max(buyer.asked, cost)
        if price > cost:
            agents.append(seller.organisation)
            parts.append(price - cost)
        cost = price
    return Split(cost, platform_part, tuple(reversed(agents)), tuple(reversed(parts)))
