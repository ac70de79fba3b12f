"""Price worlds for tests, made through the product's own actions."""

from datetime import UTC, datetime

from accounts.models import Organisation
from billing.pricing import actions
from billing.pricing.models import Category, PriceBook
from kit.money import money

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PLAIN = {
    Category.VERIFICATION: "0.0320",
    Category.NOTICE: "0.0300",
    Category.PROMOTION: "0.0340",
    Category.INTERNATIONAL: "0.0600",
}


def make_price_book(
    seller: Organisation,
    prices: dict | None = None,
    *,
    currency: str = "",
    is_default: bool = False,
    name: str = "Standard",
) -> PriceBook:
    """A book of `prices`: {category or (country, category): "0.03"}; PLAIN when none are given."""
    book = actions.create_price_book(
        organisation=seller, name=name, currency=currency or seller.currency, is_default=is_default
    )
    actions.set_prices(
        book=book,
        prices=[
            actions.Asked(*(key if isinstance(key, tuple) else ("", key)), money(amount))
            for key, amount in (prices or PLAIN).items()
        ],
        effective_from=LONG_AGO,
    )
    return book


def price_world(operator: Organisation, *, currencies: tuple[str, ...] = ("GBP", "CNY")) -> dict[str, PriceBook]:
    """The operator's default books: every category everywhere, in each currency."""
    return {currency: make_price_book(operator, currency=currency, is_default=True) for currency in currencies}
