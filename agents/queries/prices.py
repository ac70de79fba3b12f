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
from kit.sql import rows

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
    own, coming = _prices(book, at=now)
    named = {country for country, _category in [*own, *coming]} | {*countries}
    with tenancy.with_upline(agent.pk, path=agent.path):  # both look at what is published from above: entered once
        named |= _countries_bought(agent, book.currency)
        places = [(country, category) for country in sorted(named | {""}) for category in Category.values]
        costs = costs_now(agent, places, currency=book.currency)
    return [_line(place, costs[place], own.get(place), coming.get(place)) for place in places]


# Of what has begun the nearest to now, and of what has not begun the nearest to now.
_PRICES = """
SELECT DISTINCT ON (country, category, is_coming) country, category, micros, effective_from, effective_from > %(now)s AS is_coming
FROM pricing_price WHERE book_id = %(book)s
ORDER BY country, category, is_coming, abs(extract(epoch FROM effective_from - %(now)s))
"""


def _prices(book: PriceBook, *, at: datetime) -> tuple[dict[Place, int], dict[Place, tuple[int, datetime]]]:
    """What each place of the list costs at an instant, and what the next price of each will be, and from when."""
    own: dict[Place, int] = {}
    coming: dict[Place, tuple[int, datetime]] = {}
    for country, category, micros, effective_from, is_coming in rows(_PRICES, {"book": book.pk, "now": at}):
        if is_coming:
            coming[country, category] = micros, effective_from
        else:
            own[country, category] = micros
    return own, coming


def _countries_bought(agent: Organisation, currency: str) -> set[str]:
    """The countries the lists the agent buys by name."""
    if agent.parent_id is None:
        return set()
    with tenancy.with_upline(agent.pk, path=agent.path):
        given = PriceAssignment.objects.filter(organisation=agent).values("book_id")
        books = PriceBook.objects.filter(organisation=agent.parent_id, currency=currency)
        sellers = books.filter(pk__in=given) | books.filter(is_default=True)
        return set(Price.objects.filter(book__in=sellers).values_list("country", flat=True).distinct())


def _line(place: Place, cost: int | None, price: int | None, coming: tuple[int, datetime] | None) -> PriceLine:
    next_price, next_from = coming or (None, None)
    return PriceLine(*place, cost=cost, price=price, next_price=next_price, next_from=next_from)
