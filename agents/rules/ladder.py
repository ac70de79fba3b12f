"""Prices down a tree: what each account pays a segment, and what its seller above keeps of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Asked:
    """An account, its seller, and what the seller asks it; None when it has no price of its own."""

    account: UUID
    seller: UUID
    micros: int | None


def paid_prices(*, top: UUID, cost: int, asked: Sequence[Asked]) -> dict[UUID, int]:
    """What each account pays, sellers before their buyers in `asked`, when the topmost seller pays `cost`.

    As in a quote: who has no price of its own pays what its seller pays, and nobody pays less than that.
    """
    paid = {top: cost}
    for one in asked:
        above = paid.get(one.seller)
        if above is not None:
            paid[one.account] = above if one.micros is None else max(one.micros, above)
    return paid


def first_below(*, top: UUID, account: UUID, parents: Mapping[UUID, UUID]) -> UUID:
    """The account directly below `top` through which `account` buys; itself when it is that one."""
    while parents[account] != top:
        account = parents[account]
    return account
