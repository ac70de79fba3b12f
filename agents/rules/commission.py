"""What an agent earns on a sale below it.  A new way to earn is a class here and a row in its test's table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from kit.money import Micros, share


@dataclass(frozen=True, slots=True)
class Sale:
    """Something a customer paid for: a package, or messages that arrived.  `amount` is in micros of `currency`."""

    amount: Micros
    currency: str


class Rule(Protocol):
    code: str

    def earned(self, sale: Sale, *, basis_points: int) -> Micros:
        """What the agent gets of the sale: from nothing up to all of it."""
        ...


class Percentage:
    """The same share of every sale, rounded half to even to the micro."""

    code = "percentage"

    def earned(self, sale: Sale, *, basis_points: int) -> Micros:
        return share(sale.amount, basis_points=basis_points)


COMMISSION_RULES: Mapping[str, Rule] = {rule.code: rule for rule in (Percentage(),)}


def taken_back(*, earned: int, refunded: int, amount: int) -> Micros:
    """How much of what was `earned` on a sale of `amount` is lost in all once `refunded` of it has gone back.

    The part is rounded half to even; a sale wholly refunded takes back exactly what it had brought.
    """
    whole, rest = divmod(earned * refunded, amount)
    rounds_up = 2 * rest > amount or (2 * rest == amount and whole % 2)
    return Micros(whole + 1 if rounds_up else whole)
