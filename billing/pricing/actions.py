"""Every write of pricing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import Organisation
from kit.errors import Invalid
from kit.money import CURRENCIES, Micros, units

from .errors import NegativeMargin, NotYourBuyer
from .models import Category, Price, PriceAssignment, PriceBook
from .quotes import costs_now, forget_quotes


@dataclass(frozen=True, slots=True)
class Asked:
    """What a seller asks for a segment; an empty country means every country without a price of its own."""

    country: str
    category: str
    micros: Micros


@transaction.atomic
def create_price_book(
    *, organisation: Organisation, name: str, currency: str = "", is_default: bool = False
) -> PriceBook:
    """An empty book of the seller's.  As the new default of its currency it takes the old one's place."""
    currency = currency or organisation.currency
    if currency not in CURRENCIES:
        raise Invalid(fields={"currency": currency})
    if is_default:
        PriceBook.objects.filter(organisation=organisation, currency=currency, is_default=True).update(is_default=False)
    book = PriceBook.objects.create(organisation=organisation, name=name, currency=currency, is_default=is_default)
    transaction.on_commit(forget_quotes)
    return book


@transaction.atomic
def set_prices(*, book: PriceBook, prices: Sequence[Asked], effective_from: datetime | None = None) -> list[Price]:
    """Ask these prices from an instant on; now when none is given.  Earlier prices stay as history.

    Raises NegativeMargin for the first price below what the seller pays itself; nothing has changed then.
    """
    begin = effective_from or timezone.now()
    _refuse_losses(book, prices)
    rows = [
        Price(
            organisation_id=book.organisation_id,
            book=book,
            country=asked.country,
            category=asked.category,
            micros=asked.micros,
            effective_from=begin,
        )
        for asked in prices
    ]
    made = Price.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["book", "country", "category", "effective_from"],
        update_fields=["micros"],
    )
    transaction.on_commit(forget_quotes)
    return made


@transaction.atomic
def assign_price_book(*, organisation: Organisation, book: PriceBook) -> PriceAssignment:
    """Let an account buy by a book of its seller.  Runs in the seller's downline scope.  Raises NotYourBuyer."""
    if organisation.parent_id != book.organisation_id or organisation.currency != book.currency:
        raise NotYourBuyer
    given, _is_new = PriceAssignment.objects.update_or_create(organisation=organisation, defaults={"book": book})
    transaction.on_commit(forget_quotes)
    return given


def _refuse_losses(book: PriceBook, prices: Sequence[Asked]) -> None:
    for asked in prices:
        if asked.micros < 0 or asked.category not in Category.values:
            raise Invalid(fields={f"{asked.country}/{asked.category}": str(units(asked.micros))})
    seller = Organisation.objects.get(pk=book.organisation_id)
    costs = costs_now(seller, {(asked.country, asked.category) for asked in prices}, currency=book.currency)
    for asked in prices:
        cost = costs[asked.country, asked.category]
        if cost is not None and asked.micros < cost:
            raise NegativeMargin(
                country=asked.country,
                category=asked.category,
                price=str(units(asked.micros)),
                cost=str(units(cost)),
            )
