"""The test cards, and reading what was typed into the payment form."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from .errors import StripeError

DECLINED = "Your card was declined."


@dataclass(frozen=True)
class Refusal:
    """Why the bank says no: the message a buyer reads and the codes a program reads."""

    message: str
    code: str = "card_declined"
    decline_code: str | None = None

    def as_error(self) -> StripeError:
        return StripeError(
            self.message, status=402, kind="card_error", code=self.code, decline_code=self.decline_code
        )  # fmt: skip


@dataclass(frozen=True)
class Card:
    """A card Stripe's documentation names, and what it does.

    `played_by` is the number the engine behind is given: it knows fewer ways to refuse than Stripe does.
    """

    key: str
    number: str
    does: str
    played_by: str
    refusal: Refusal | None = None
    brand: str = "visa"

    @property
    def spaced(self) -> str:
        return " ".join(re.findall("....", self.number))


PLAIN, REFUSED, CHALLENGED, CHALLENGED_THEN_REFUSED = (
    "4242424242424242", "4000000000000341", "4000002500003155", "4000008400001629",
)  # fmt: skip

CARDS = (
    Card("visa", "4242424242424242", "Payment succeeds", PLAIN),
    Card("mastercard", "5555555555554444", "Payment succeeds", PLAIN, brand="mastercard"),
    Card("declined", "4000000000000002", "Declined", REFUSED, Refusal(DECLINED, decline_code="generic_decline")),
    Card("funds", "4000000000009995", "Insufficient funds", REFUSED,
             Refusal("Your card has insufficient funds.", decline_code="insufficient_funds")),
    Card("expired", "4000000000000069", "Expired card", REFUSED,
             Refusal("Your card has expired.", code="expired_card")),
    Card("cvc", "4000000000000127", "Wrong security code", REFUSED,
             Refusal("Your card's security code is incorrect.", code="incorrect_cvc")),
    Card("processing", "4000000000000119", "Processing error", REFUSED,
             Refusal("An error occurred while processing your card. Try again in a little bit.", "processing_error")),
    Card("setup", "4000002500003155", "Asks for 3-D Secure", CHALLENGED),
    Card("secure", "4000000000003220", "Asks for 3-D Secure 2", CHALLENGED),
    Card("secure_declined", "4000008400001629", "3-D Secure, then declined", CHALLENGED_THEN_REFUSED,
             Refusal(DECLINED, decline_code="generic_decline")),
)  # fmt: skip
BY_NUMBER = {card.number: card for card in CARDS}
BY_KEY = {card.key: card for card in CARDS}


@dataclass(frozen=True)
class Typed:
    """A payment form that can be tried."""

    card: Card
    month: int
    year: int
    name: str
    email: str | None


class FieldProblem(Exception):
    """One field of the payment form is wrong; `field` is its name."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


def read_form(form: Mapping[str, str]) -> Typed:
    """What was typed, checked as Stripe checks it.  Raises FieldProblem, or StripeError for a card we do not know."""
    number = re.sub(r"[\s-]", "", form.get("number", ""))
    _check_number(number)
    month, year = _expiry(form.get("exp", ""))
    if not re.fullmatch(r"[0-9]{3}", form.get("cvc", "").strip(), re.ASCII):
        raise FieldProblem("cvc", "Your card's security code is incomplete.")
    email = form.get("email", "").strip()[:254]
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        raise FieldProblem("email", "Your email is incomplete.")
    if number not in BY_NUMBER:
        raise Refusal(
            "Your card was declined. Your request was in test mode, but used a non test card.",
            decline_code="test_mode_live_card",
        ).as_error()
    return Typed(BY_NUMBER[number], month, year, form.get("name", "").strip()[:200], email or None)


def _check_number(number: str) -> None:
    if not re.fullmatch(r"[0-9]*", number):
        raise FieldProblem("number", "Your card number is invalid.")
    if len(number) < 12:
        raise FieldProblem("number", "Your card number is incomplete.")
    if len(number) > 19 or not passes_luhn(number):
        raise FieldProblem("number", "Your card number is invalid.")


def passes_luhn(number: str) -> bool:
    """Whether the last digit of a card number is the right one."""
    doubled = str.maketrans("0123456789", "0246813579")
    return (sum(map(int, number[-1::-2])) + sum(int(digit.translate(doubled)) for digit in number[-2::-2])) % 10 == 0


def _expiry(typed: str) -> tuple[int, int]:
    found = re.fullmatch(r"\s*([0-9]{1,2})\s*/?\s*((?:20)?[0-9]{2})\s*", typed)
    if not found or not 1 <= int(found[1]) <= 12:
        raise FieldProblem("exp", "Your card's expiration date is incomplete.")
    month, year, today = int(found[1]), 2000 + int(found[2][-2:]), datetime.now(UTC)
    if (year, month) < (today.year, today.month):
        raise FieldProblem("exp", "Your card's expiration date is in the past.")
    return month, year
