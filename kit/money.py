"""Money is an integer number of micros: millionths of the currency unit.  Never a float."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import NewType

Micros = NewType("Micros", int)

MICROS_PER_UNIT = 1_000_000
MICROS_PER_MINOR = 10_000
#: Currencies the house sells in.  All have two minor digits, so a minor unit (cent, fen) is 10,000 micros.
CURRENCIES = ("CNY", "GBP", "USD", "EUR", "SGD", "HKD")


def money(text: str | int | Decimal) -> Micros:
    """Micros from an amount in currency units: money("10.00") == 10_000_000.

    Raises ValueError for anything that isn't a finite decimal number of at most six decimals, floats included.
    """
    if isinstance(text, float):
        raise ValueError("money is never a float")
    try:
        micros = Decimal(text) * MICROS_PER_UNIT
    except InvalidOperation:
        raise ValueError(f"not an amount: {text!r}") from None
    if not micros.is_finite() or micros != micros.to_integral_value():
        raise ValueError(f"not an amount of whole micros: {text!r}")
    return Micros(int(micros))


def units(micros: int) -> Decimal:
    """The amount in currency units, exactly."""
    return Decimal(micros) / MICROS_PER_UNIT


def from_minor(minor: int) -> Micros:
    """Micros from minor units (cents, fen), as Stripe counts them."""
    return Micros(minor * MICROS_PER_MINOR)


def to_minor(micros: int) -> int:
    """Minor units from micros.  Raises ValueError when the amount has parts of a cent."""
    minor, rest = divmod(micros, MICROS_PER_MINOR)
    if rest:
        raise ValueError(f"{micros} micros is not a whole number of minor units")
    return minor


def share(micros: int, *, basis_points: int) -> Micros:
    """That many hundredths of a per cent of an amount, rounded half to even to the micro."""
    return Micros(int((Decimal(micros) * basis_points / 10_000).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)))
