from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, QuerySet
from django.utils import timezone

from accounts.choices import COUNTRY_NAMES
from accounts.models import Organisation
from billing.pricing.models import Category, Price, PriceAssignment, PriceBook
from billing.pricing.quotes import costs_now
from kit import tenancy
from kit.queries import one_of

#: Country (empty: every other) and category.
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One row of a price list: what the seller pays itself, what it asks now, and what it will ask."""

    country: str
    category: str
    cost: int | None
    price: int | None
    next_price: int | None = None
    next_from: datetime | None = None

    @property
    def country_label(self) -> str:
        """Its name; empty for all other countries."""
        return str(COUNTRY_NAMES.get(self.country, self.country))

    @property
    def category_label(self) -> str:
        return Category(self.category).label

    @property
    def margin(self) -> int | None:
        return None if self.cost is None or self.price is None else self.price - self.cost


def price_lists_of(agent: Organisation) -> QuerySet[PriceBook]:
    """The agent's price lists, default ones first, with how many accounts were given each."""
    return (
        PriceBook.objects.filter(organisation=agent)
        .annotate(accounts=Count("assignments"))
        .order_by("-is_default", "currency", "name", "pk")
    )


def price_list_of(agent: Organisation, id: UUID) -> PriceBook:
    """One of the agent's lists.  Raises NotFound."""
    return one_of(price_lists_of(agent), pk=id)


def price_lines(agent: Organisation, book: PriceBook, *, countries: Iterable[str] = ()) -> list[PriceLine]:
    """The list's rows: every category for all other countries, for those it or its seller's list names, and `countries`."""
    now = timezone.now()
    own = latest_prices(Price.objects.filter(book=book), at=now)
    coming = coming_prices(book, after=now)
    named = {country for country, _category in [*own, *coming]} | {*countries}
    with tenancy.with_upline(agent.pk, path=agent.path):  # both look at what is published from above: entered once
        named |= _countries_bought(agent, book.currency)
        places = [(country, category) for country in sorted(named | {""}) for category in Category.values]
        costs = costs_now(agent, places, currency=book.currency)
    return [_line(place, costs[place], own.get(place), coming.get(place)) for place in places]


def latest_prices(prices: QuerySet[Price], *, at: datetime) -> dict[Place, int]:
    """What each place costs at an instant, of the prices of one list."""
    rows = (
        prices.filter(effective_from__lte=at)
        .order_by("country", "category", "-effective_from")
        .distinct("country", "category")
    )
    return {(row.country, row.category): row.micros for row in rows}


def coming_prices(book: PriceBook, *, after: datetime) -> dict[Place, Price]:
    """The next price of each place that has not begun yet."""
    rows = (
        Price.objects.filter(book=book, effective_from__gt=after)
        .order_by("country", "category", "effective_from")
        .distinct("country", "category")
    )
    return {(row.country, row.category): row for row in rows}


def _countries_bought(agent: Organisation, currency: str) -> set[str]:
    """The countries the lists the agent buys by name."""
    if agent.parent_id is None:
        return set()
    with tenancy.with_upline(agent.pk, path=agent.path):
        given = PriceAssignment.objects.filter(organisation=agent).values("book_id")
        books = PriceBook.objects.filter(organisation=agent.parent_id, currency=currency)
        sellers = books.filter(pk__in=given) | books.filter(is_default=True)
        return set(Price.objects.filter(book__in=sellers).values_list("country", flat=True).distinct())


def _line(place: Place, cost: int | None, price: int | None, coming: Price | None) -> PriceLine:
    country, category = place
    return PriceLine(
        country=country,
        category=category,
        cost=cost,
        price=price,
        next_price=coming.micros if coming else None,
        next_from=coming.effective_from if coming else None,
    )
